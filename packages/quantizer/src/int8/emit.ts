import {
  deriveModel,
  deriveNode,
  Graph,
  makeNode,
  makeTensor,
  type ModelProto,
  type NodeProto,
  type TensorProto,
} from "@edgewatt/onnx";
import { activationRange, computeParams, quantizeBias, type QuantParams } from "./arithmetic.ts";
import type { EmitOptions } from "./emit-options.ts";
import { int8Weights, type Int8Weights } from "./weights.ts";
import { Int8Writer } from "./graph-writer.ts";
import type { Plan } from "./plan.ts";
import type { Rewrite } from "../rules/rule.ts";

/** The int8 model, and where to find what the float model calls by another name. */
export interface EmittedModel {
  readonly model: ModelProto;
  /** For each quantized tensor the name under which the int8 model has its dequantized value. */
  readonly dequantized: ReadonlyMap<string, string>;
}

/**
 * Writes the int8 graph in QDQ form: a QuantizeLinear and DequantizeLinear around each planned tensor, weights and biases as
 * int8 and int32 initializers behind a DequantizeLinear. The prepared graph is not changed, unquantized tensors are shared with it.
 */
export function emitModel(graph: Graph, plan: Plan, options: EmitOptions): EmittedModel {
  return new Emitter(graph, plan, options).emit();
}

class Emitter {
  readonly #source: Graph;
  readonly #plan: Plan;
  readonly #options: EmitOptions;
  readonly #writer: Int8Writer;
  readonly #quantizedNodes: ReadonlySet<NodeProto>;
  /** Initializers of scale and zero point, by the tensor that owns them. */
  readonly #params = new Map<string, { scale: string; zeroPoint: string }>();
  /** The integers of a tensor, and what its quantized readers read. */
  readonly #integers = new Map<string, string>();
  readonly #dequantized = new Map<string, string>();
  /** Tensors that are computed in float, so that readers in float need not read the 8-bit copy. */
  readonly #inFloat = new Set<string>();
  /** Dequantized weights by tensor and axis, as layers may share them. */
  readonly #weights = new Map<string, string>();

  constructor(graph: Graph, plan: Plan, options: EmitOptions) {
    this.#source = graph;
    this.#plan = plan;
    this.#options = options;
    this.#writer = new Int8Writer(graph, options.format);
    this.#quantizedNodes = new Set(plan.quantized);
  }

  emit(): EmittedModel {
    for (const name of this.#source.inputNames) this.#emitFloat(name);
    for (const node of this.#source.nodes) {
      if (this.#plan.absorbed.has(node)) continue;
      const rewrite = this.#plan.rewrites.get(node);
      if (!this.#quantizedNodes.has(node)) this.#emitFloatNode(node);
      else if (rewrite === undefined) this.#emitNode(node);
      else this.#emitRewritten(node, rewrite);
    }
    const initializer = [...(this.#source.model.graph?.initializer ?? []), ...this.#writer.initializers];
    const model = deriveModel(this.#source.model, { node: this.#writer.nodes, initializer });
    if (model.graph !== undefined) model.graph.valueInfo = [];
    model.producerName = "edgewatt";
    new Graph(model).removeUnusedInitializers();
    return { model, dequantized: this.#dequantized };
  }

  #emitFloatNode(node: NodeProto): void {
    const input = node.input.map((name) => (this.#inFloat.has(name) ? name : this.#read(name)));
    const guarded = input.findIndex((name, index) => name !== node.input[index]);
    if (this.#plan.guarded.has(node) && guarded >= 0) {
      const name = input[guarded] as string;
      // A Sum of one tensor copies it, and unlike Identity no optimizer of ONNX Runtime removes it.
      input[guarded] = this.#writer.add("Sum", `${name}_guard`, [name]);
    }
    this.#writer.nodes.push(deriveNode(node, { input, output: node.output }));
    for (const name of node.output) this.#emitFloat(name);
  }

  #emitNode(node: NodeProto): void {
    const input = node.input.map((name) => this.#read(name));
    if (this.#plan.weights.has(node)) {
      const int8 = int8Weights(this.#source, this.#plan, node, this.#options);
      input[1] = this.#emitWeight(int8);
      if (int8.bias !== undefined) input[2] = this.#emitBias(node, int8.bias, int8.scales);
    }
    for (const index of this.#plan.constants.get(node) ?? [])
      input[index] = this.#writer.addActivationConstant(this.#source.constant(node.input[index] ?? "") as TensorProto);
    const written = this.#plan.outputs.get(node);
    const output = node.output.map((name, index) => (index === 0 && written !== undefined ? written : name));
    this.#emitFused(node, input, output);
  }

  /** A node between DequantizeLinear and QuantizeLinear. Where a tensor of the model's outputs is quantized, its name goes to what is dequantized. */
  #emitFused(node: NodeProto, input: string[], output: readonly string[]): void {
    const written = output.map((name) =>
      this.#plan.tensors.has(name) && this.#source.isOutput(name)
        ? this.#writer.unique(`${name}_QuantizeLinear_Input`)
        : name,
    );
    this.#writer.nodes.push(deriveNode(node, { input, output: written }));
    for (const [index, name] of output.entries()) {
      if (this.#plan.tensors.has(name)) this.#emitDequantize(name, this.#emitQuantize(name, written[index] ?? name));
      else this.#inFloat.add(name);
    }
  }

  #emitRewritten(node: NodeProto, rewrite: Rewrite): void {
    const [input = ""] = node.input;
    const [output = ""] = node.output;
    const integers = this.#integers.get(input) ?? "";
    switch (rewrite.kind) {
      case "rescaled":
        // Of a Mul either factor may be the constant.
        this.#emitDequantize(
          output,
          this.#integers.get(node.input.find((name) => this.#integers.has(name)) ?? "") ?? "",
        );
        break;
      case "integers": {
        const inputs = node.input.map((name, index) => (index === 0 ? integers : name));
        for (const [index, value] of rewrite.constants) {
          while (inputs.length < index) inputs.push("");
          inputs[index] = this.#writer.addInteger(`${output}_constant`, value);
        }
        const written = this.#writer.unique(`${output}_integers`);
        const derived = deriveNode(node, { input: inputs, output: [written, ...node.output.slice(1)] });
        derived.opType = rewrite.opType;
        this.#writer.nodes.push(derived);
        this.#emitDequantize(output, written);
        break;
      }
      case "hard-sigmoid":
        this.#emitHardSigmoid(node, integers, rewrite);
    }
  }

  #emitHardSigmoid(
    node: NodeProto,
    integers: string,
    { alpha, beta, timesInput }: Rewrite & { kind: "hard-sigmoid" },
  ): void {
    const [input = ""] = node.input;
    const [output = ""] = node.output;
    const planned = this.#plan.tensors.get(input) as QuantParams;
    const slope = this.#writer.addParams(`${output}_slope`, { ...planned, scale: Math.fround(planned.scale * alpha) });
    const scaled = this.#writer.add("DequantizeLinear", `${output}_slope`, [integers, slope.scale, slope.zeroPoint]);
    const offset = this.#writer.addActivationConstant(makeTensor(`${output}_offset`, [], Float32Array.of(beta)));
    if (!timesInput) {
      this.#emitFused(makeNode("Add", node.name, [], []), [scaled, offset], [output]);
      return;
    }
    const sum = this.#writer.add("Add", `${output}_gate`, [scaled, offset]);
    const unit = computeParams({ min: 0, max: 1 }, activationRange(this.#options.format), false);
    const params = this.#writer.addParams(sum, unit);
    const quantized = this.#writer.add("QuantizeLinear", `${sum}_QuantizeLinear`, [
      sum,
      params.scale,
      params.zeroPoint,
    ]);
    const gate = this.#writer.add("DequantizeLinear", `${sum}_DequantizeLinear`, [
      quantized,
      params.scale,
      params.zeroPoint,
    ]);
    this.#emitFused(makeNode("Mul", node.name, [], []), [this.#read(input), gate], [output]);
  }

  /** A tensor that exists in float, with its 8-bit copy where one is planned. */
  #emitFloat(name: string): void {
    this.#inFloat.add(name);
    if (!this.#plan.tensors.has(name)) return;
    const integers = this.#emitQuantize(name, name);
    const params = this.#paramsOf(name);
    this.#integers.set(name, integers);
    const input = [integers, params.scale, params.zeroPoint];
    this.#dequantized.set(name, this.#writer.add("DequantizeLinear", `${name}_DequantizeLinear`, input));
  }

  #emitQuantize(name: string, written: string): string {
    const params = this.#paramsOf(name);
    return this.#writer.add("QuantizeLinear", `${name}_QuantizeLinear`, [written, params.scale, params.zeroPoint]);
  }

  /** The readers of a tensor that exists as integers only; the model's output keeps its name. */
  #emitDequantize(name: string, integers: string): void {
    const params = this.#paramsOf(name);
    const input = [integers, params.scale, params.zeroPoint];
    const base = `${name}_DequantizeLinear`;
    this.#integers.set(name, integers);
    const output = this.#source.isOutput(name) ? name : this.#writer.unique(`${base}_Output`);
    this.#dequantized.set(name, this.#writer.add("DequantizeLinear", base, input, output));
  }

  #paramsOf(name: string): { scale: string; zeroPoint: string } {
    const planned = this.#plan.tensors.get(name);
    const owner = planned?.owner ?? name;
    let params = this.#params.get(owner);
    if (params === undefined) {
      params = this.#writer.addParams(owner, planned as QuantParams);
      this.#params.set(owner, params);
    }
    return params;
  }

  #emitWeight(weights: Int8Weights): string {
    const key = JSON.stringify([weights.name, weights.axis]);
    const shared = weights.shareable ? this.#weights.get(key) : undefined;
    if (shared !== undefined) return shared;
    const name = this.#writer.addDequantized(weights.name, {
      values: makeTensor(weights.name, weights.dims, weights.integers),
      scales: weights.scales,
      sides: weights.axis === undefined ? [] : [weights.scales.length],
      zeroPoint: new Int8Array(weights.scales.length),
      axis: weights.axis,
    });
    if (weights.shareable) this.#weights.set(key, name);
    return name;
  }

  /** Each node gets a bias of its own, as its scale depends on the node's input. */
  #emitBias(node: NodeProto, bias: Float32Array, weightScale: Float32Array): string {
    const inputScale = this.#plan.tensors.get(node.input[0] ?? "")?.scale ?? 1;
    const { data, scales } = quantizeBias(bias, inputScale, weightScale);
    const perChannel = this.#options.perChannel;
    return this.#writer.addDequantized(`${node.input[2] ?? "bias"}_${node.name}`, {
      values: makeTensor(node.name, [data.length], data),
      scales,
      sides: perChannel ? [scales.length] : [],
      zeroPoint: undefined,
      axis: perChannel ? 0 : undefined,
    });
  }

  #read(name: string): string {
    return this.#dequantized.get(name) ?? name;
  }
}
