import type { Graph, NodeProto } from "@edgewatt/onnx";
import {
  activationRange,
  computeParams,
  isNormalFloat32,
  quantizeValue,
  saturatesAt,
  type QuantParams,
  type Range,
} from "./arithmetic.ts";
import type { FloatNode } from "./float-node.ts";
import type { QuantizationFormat } from "./format.ts";
import { clipBounds } from "../rules/absorbed.ts";
import { isFinalInFloat } from "../rules/independent.ts";
import { canBeQuantized, computesInIntegers, movesValues, ruleOf } from "../rules/operators.ts";
import type { Rewrite, RuleContext, WeightUse } from "../rules/rule.ts";

/** Parameters of a quantized tensor, and the tensor whose scale and zero point it shares (often itself). */
interface PlannedTensor extends QuantParams {
  readonly owner: string;
}

export interface PlanOptions {
  /** Names of nodes that run in float, whatever their rule says. */
  readonly exclude?: ReadonlySet<string>;
  /** Names of the only nodes that are quantized, each with the Relu or Clip that disappears into it. */
  readonly only?: ReadonlySet<string>;
}

/** Everything that is decided before the int8 graph is written. */
export interface Plan {
  /** The activations that get QuantizeLinear and DequantizeLinear. */
  readonly tensors: ReadonlyMap<string, PlannedTensor>;
  readonly weights: ReadonlyMap<NodeProto, WeightUse>;
  /** Inputs, by index, that are constants of the activations' type. */
  readonly constants: ReadonlyMap<NodeProto, readonly number[]>;
  /** For a node whose Relu or Clip was absorbed: the tensor that it writes instead. */
  readonly outputs: ReadonlyMap<NodeProto, string>;
  readonly absorbed: ReadonlySet<NodeProto>;
  /** Quantized nodes that are not written as themselves between DequantizeLinear and QuantizeLinear. */
  readonly rewrites: ReadonlyMap<NodeProto, Rewrite>;
  /**
   * Float nodes between 8-bit tensors that ONNX Runtime would run in 8 bits all the same, fusing them or even quantizing their weights by
   * itself (its `WeightBiasQuantization`); the int8 graph keeps them apart from the DequantizeLinear before them.
   */
  readonly guarded: ReadonlySet<NodeProto>;
  readonly quantized: readonly NodeProto[];
  readonly float: readonly FloatNode[];
}

/** Decides for each node of a prepared graph whether it is quantized, and with which parameters. Changes nothing in the graph. */
export function makePlan(
  graph: Graph,
  ranges: ReadonlyMap<string, Range>,
  format: QuantizationFormat,
  options: PlanOptions = {},
): Plan {
  const planner = new Planner(graph, ranges, format, options);
  const quantized: NodeProto[] = [];
  const inFloat: NodeProto[] = [];
  const float: FloatNode[] = [];
  for (const node of graph.nodes) {
    if (planner.absorbed.has(node)) continue;
    const reason = planner.chosen(node) ?? ruleOf(node, graph)(node, planner);
    if (reason === undefined) quantized.push(node);
    else {
      inFloat.push(node);
      float.push({ name: node.name, op: node.opType, reason });
    }
  }
  const { tensors, weights, constants, outputs, absorbed, rewrites } = planner;
  const guarded = new Set(inFloat.filter((node) => needsGuard(graph, node, tensors)));
  return { tensors, weights, constants, outputs, absorbed, rewrites, guarded, quantized, float };
}

class Planner implements RuleContext {
  readonly graph: Graph;
  readonly tensors = new Map<string, PlannedTensor>();
  readonly weights = new Map<NodeProto, WeightUse>();
  readonly constants = new Map<NodeProto, number[]>();
  readonly outputs = new Map<NodeProto, string>();
  readonly absorbed = new Set<NodeProto>();
  readonly rewrites = new Map<NodeProto, Rewrite>();
  readonly #ranges: ReadonlyMap<string, Range>;
  readonly #integers: Range;
  readonly #options: PlanOptions;

  constructor(graph: Graph, ranges: ReadonlyMap<string, Range>, format: QuantizationFormat, options: PlanOptions) {
    this.graph = graph;
    this.#ranges = ranges;
    this.#integers = activationRange(format);
    this.#options = options;
  }

  /** Why the caller's choice of nodes leaves it in float; undefined where it is up to its rule. */
  chosen({ name }: NodeProto): string | undefined {
    if (this.#options.exclude?.has(name) === true) return "chosen to stay in float";
    return this.#options.only?.has(name) === false ? "it is not among the nodes that were asked for" : undefined;
  }

  isActivation(tensor: string): boolean {
    return this.#ranges.has(tensor);
  }

  isQuantized(tensor: string): boolean {
    return this.tensors.has(tensor);
  }

  isChained(node: NodeProto): boolean {
    return this.#options.only !== undefined || node.input.some((name) => this.tensors.has(name));
  }

  isReadInside(tensor: string): boolean {
    return this.graph.consumers(tensor).some((node) => !node.input.includes(tensor));
  }

  isReadInFloat(tensor: string): boolean {
    return this.graph.consumers(tensor).every((node) => {
      if (!canBeQuantized(node) || isFinalInFloat(node, this.graph) || this.chosen(node) !== undefined) return true;
      return movesValues(node) && this.isReadInFloat(node.output[0] ?? "");
    });
  }

  quantize(tensor: string): void {
    if (!this.tensors.has(tensor)) this.tensors.set(tensor, { ...this.paramsOf(tensor), owner: tensor });
  }

  quantizeLike(output: string, input: string): void {
    const planned = this.tensors.get(input);
    if (planned !== undefined) this.tensors.set(output, planned);
  }

  rescale(node: NodeProto, output: string, input: string, factor: number): boolean {
    const planned = this.tensors.get(input);
    const scale = Math.fround((planned?.scale ?? 0) * factor);
    if (planned === undefined || !isNormalFloat32(scale)) return false;
    this.tensors.set(output, { scale, zeroPoint: planned.zeroPoint, owner: output });
    this.rewrite(node, { kind: "rescaled" });
    return true;
  }

  magnitude(tensor: string): number {
    const { min, max } = this.#rangeOf(tensor);
    return Math.max(-min, max);
  }

  paramsOf(tensor: string): QuantParams {
    return computeParams(this.#rangeOf(tensor), this.#integers, false);
  }

  integerOf(tensor: string, value: number): number {
    return quantizeValue(value, this.tensors.get(tensor) ?? this.paramsOf(tensor), this.#integers);
  }

  absorb(output: string): string {
    const producer = this.graph.producer(output);
    let current = output;
    for (;;) {
      const next = this.graph.soleConsumer(current);
      const bounds = next === undefined ? undefined : clipBounds(this.graph, next);
      const clipped = next?.output[0] ?? "";
      if (next === undefined || bounds === undefined || next.input[0] !== current || !this.#ranges.has(clipped)) break;
      if (this.#options.exclude?.has(next.name) === true) break;
      // A graph inside another node reads it by its name, under which there would be what is not clipped yet.
      if (this.isReadInside(clipped)) break;
      if (!saturatesAt(this.paramsOf(clipped), this.#integers, bounds.low, bounds.high)) break;
      this.absorbed.add(next);
      current = clipped;
    }
    if (producer !== undefined && current !== output) this.outputs.set(producer, current);
    return current;
  }

  addWeights(node: NodeProto, use: WeightUse): void {
    this.weights.set(node, use);
  }

  addConstant(node: NodeProto, inputIndex: number): void {
    this.constants.set(node, [...(this.constants.get(node) ?? []), inputIndex]);
  }

  rewrite(node: NodeProto, rewrite: Rewrite): void {
    this.rewrites.set(node, rewrite);
  }

  #rangeOf(tensor: string): Range {
    // QLinearSoftmax wraps around instead of clipping what is larger than anything that calibration saw.
    if (this.graph.producer(tensor)?.opType === "Softmax") return { min: 0, max: 1 };
    return this.#ranges.get(tensor) as Range;
  }
}

/** Whether 8-bit values come in, and go out directly or through Relu and Clip, of an operator that ONNX Runtime can fuse. */
function needsGuard(graph: Graph, node: NodeProto, tensors: ReadonlyMap<string, PlannedTensor>): boolean {
  if (!mayRunInIntegers(node) || !node.input.some((name) => tensors.has(name))) return false;
  let [output = ""] = node.output;
  for (;;) {
    if (tensors.has(output)) return true;
    const next = graph.soleConsumer(output);
    if (next === undefined || clipBounds(graph, next) === undefined) return false;
    output = next.output[0] ?? "";
  }
}

/** ONNX Runtime also quantizes the weights of a ConvTranspose, for which it then has no integer operator. */
function mayRunInIntegers(node: NodeProto): boolean {
  return computesInIntegers(node) || node.opType === "ConvTranspose";
}
