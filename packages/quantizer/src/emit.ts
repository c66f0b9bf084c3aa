import {
  deriveModel,
  deriveNode,
  dimsOf,
  Graph,
  makeNode,
  makeTensor,
  type ModelProto,
  type NodeProto,
  type TensorProto,
} from "@edgewatt/onnx";
import { quantizeActivations, quantizeBias, type QuantParams } from "./arithmetic.ts";
import type { QuantizationFormat } from "./format.ts";
import { finiteFloats, int8Weights, type Int8Weights } from "./int8-weights.ts";
import type { Plan } from "./plan.ts";

export interface EmitOptions {
  readonly format: QuantizationFormat;
  readonly perChannel: boolean;
  readonly reducedRange: boolean;
  /** By node name: int8 weights in place of those rounded to nearest; their scales are those that `int8Weights` tells. */
  readonly weights?: ReadonlyMap<string, Int8Array>;
  /** By node name: bias values in place of the node's own, or of none (not for MatMul, which has no bias). */
  readonly biases?: ReadonlyMap<string, Float32Array>;
}

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
  readonly #nodes: NodeProto[] = [];
  readonly #initializers: TensorProto[] = [];
  /** Initializers of scale and zero point, by the tensor that owns them. */
  readonly #params = new Map<string, { scale: string; zeroPoint: string }>();
  /** What readers of a tensor read in the int8 graph. */
  readonly #dequantized = new Map<string, string>();
  /** Dequantized weights by tensor and axis, as layers may share them. */
  readonly #weights = new Map<string, string>();

  constructor(graph: Graph, plan: Plan, options: EmitOptions) {
    this.#source = graph;
    this.#plan = plan;
    this.#options = options;
  }

  emit(): EmittedModel {
    for (const name of this.#source.inputNames) this.#emitActivation(name);
    for (const node of this.#source.nodes) {
      if (!this.#plan.absorbed.has(node)) this.#emitNode(node);
    }
    const initializer = [...(this.#source.model.graph?.initializer ?? []), ...this.#initializers];
    const model = deriveModel(this.#source.model, { node: this.#nodes, initializer });
    if (model.graph !== undefined) model.graph.valueInfo = [];
    model.producerName = "edgewatt";
    new Graph(model).removeUnusedInitializers();
    return { model, dequantized: this.#dequantized };
  }

  #emitNode(node: NodeProto): void {
    const input = node.input.map((name) => this.#dequantized.get(name) ?? name);
    const weights = this.#plan.weights.get(node);
    if (weights !== undefined) {
      const int8 = int8Weights(this.#source, this.#plan, node, this.#options);
      input[1] = this.#emitWeight(int8);
      if (int8.bias !== undefined) input[2] = this.#emitBias(node, int8.bias, int8.scales);
    }
    const guarded = input.findIndex((name, index) => name !== node.input[index]);
    if (this.#plan.guarded.has(node) && guarded >= 0) input[guarded] = this.#emitGuard(input[guarded] as string);
    for (const index of this.#plan.constants.get(node) ?? [])
      input[index] = this.#emitConstant(this.#constant(node.input[index]));

    const written = this.#plan.outputs.get(node);
    const output = node.output.map((name, index) => (index === 0 && written !== undefined ? written : name));
    const names = output.map((name) =>
      this.#plan.tensors.has(name) && this.#source.isOutput(name) ? this.#unique(`${name}_QuantizeLinear_Input`) : name,
    );
    this.#nodes.push(deriveNode(node, { input, output: names }));
    for (const [index, name] of output.entries()) this.#emitActivation(name, names[index]);
  }

  /** Quantizes and dequantizes a tensor if that is planned. `written` is its name in the int8 graph, where the model's output keeps its own. */
  #emitActivation(name: string, written = name): void {
    const planned = this.#plan.tensors.get(name);
    if (planned === undefined) return;
    let params = this.#params.get(planned.owner);
    if (params === undefined) {
      params = this.#emitParams(planned.owner, planned);
      this.#params.set(planned.owner, params);
    }
    const quantized = this.#unique(`${name}_QuantizeLinear_Output`);
    const dequantized = written === name ? this.#unique(`${name}_DequantizeLinear_Output`) : name;
    this.#nodes.push(
      makeNode(
        "QuantizeLinear",
        this.#unique(`${name}_QuantizeLinear`),
        [written, params.scale, params.zeroPoint],
        [quantized],
      ),
      makeNode(
        "DequantizeLinear",
        this.#unique(`${name}_DequantizeLinear`),
        [quantized, params.scale, params.zeroPoint],
        [dequantized],
      ),
    );
    this.#dequantized.set(name, dequantized);
  }

  #emitParams(name: string, params: QuantParams): { scale: string; zeroPoint: string } {
    const zeroPoint =
      this.#options.format === "u8s8" ? Uint8Array.of(params.zeroPoint) : Int8Array.of(params.zeroPoint);
    return {
      scale: this.#addInitializer(`${name}_scale`, [], Float32Array.of(params.scale)),
      zeroPoint: this.#addInitializer(`${name}_zero_point`, [], zeroPoint),
    };
  }

  #emitWeight(weights: Int8Weights): string {
    const key = JSON.stringify([weights.name, weights.axis]);
    const shared = weights.shareable ? this.#weights.get(key) : undefined;
    if (shared !== undefined) return shared;
    const name = this.#emitDequantized(
      weights.name,
      {
        values: makeTensor(weights.name, weights.dims, weights.integers),
        scales: weights.scales,
        sides: weights.axis === undefined ? [] : [weights.scales.length],
        zeroPoint: new Int8Array(weights.scales.length),
      },
      weights.axis,
    );
    if (weights.shareable) this.#weights.set(key, name);
    return name;
  }

  /** Each node gets a bias of its own, as its scale depends on the node's input. */
  #emitBias(node: NodeProto, bias: Float32Array, weightScale: Float32Array): string {
    const inputScale = this.#plan.tensors.get(node.input[0] ?? "")?.scale ?? 1;
    const { data, scales } = quantizeBias(bias, inputScale, weightScale);
    const perChannel = this.#options.perChannel;
    return this.#emitDequantized(
      `${node.input[2] ?? "bias"}_${node.name}`,
      {
        values: makeTensor(node.name, [data.length], data),
        scales,
        sides: perChannel ? [scales.length] : [],
        zeroPoint: undefined,
      },
      perChannel ? 0 : undefined,
    );
  }

  /** A Sum of one tensor copies it, and unlike Identity no optimizer of ONNX Runtime removes it. */
  #emitGuard(name: string): string {
    const output = this.#unique(`${name}_guarded`);
    this.#nodes.push(makeNode("Sum", this.#unique(`${name}_guard`), [name], [output]));
    return output;
  }

  #emitConstant(constant: TensorProto): string {
    const { data, params } = quantizeActivations(finiteFloats(constant), this.#options.format);
    const values = makeTensor(constant.name, dimsOf(constant), data);
    const zeroPoint = data instanceof Uint8Array ? Uint8Array.of(params.zeroPoint) : Int8Array.of(params.zeroPoint);
    return this.#emitDequantized(
      constant.name,
      { values, scales: Float32Array.of(params.scale), sides: [], zeroPoint },
      undefined,
    );
  }

  #emitDequantized(
    base: string,
    tensor: {
      values: TensorProto;
      scales: Float32Array;
      sides: readonly number[];
      zeroPoint: Int8Array | Uint8Array | undefined;
    },
    axis: number | undefined,
  ): string {
    const values = this.#unique(`${base}_quantized`);
    this.#initializers.push(Object.assign(tensor.values, { name: values }));
    const input = [values, this.#addInitializer(`${base}_scale`, tensor.sides, tensor.scales)];
    if (tensor.zeroPoint !== undefined)
      input.push(this.#addInitializer(`${base}_zero_point`, tensor.sides, tensor.zeroPoint));
    const output = this.#unique(`${base}_DequantizeLinear_Output`);
    const attributes = axis === undefined ? {} : { axis: BigInt(axis) };
    this.#nodes.push(
      makeNode("DequantizeLinear", this.#unique(`${base}_DequantizeLinear`), input, [output], attributes),
    );
    return output;
  }

  #addInitializer(base: string, dims: readonly number[], data: Float32Array | Int8Array | Uint8Array): string {
    const name = this.#unique(base);
    this.#initializers.push(makeTensor(name, dims, data));
    return name;
  }

  #constant(name = ""): TensorProto {
    return this.#source.constant(name) as TensorProto;
  }

  #unique(base: string): string {
    return this.#source.uniqueName(base);
  }
}
