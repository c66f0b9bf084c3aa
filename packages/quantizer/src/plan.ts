import type { Graph, NodeProto } from "@edgewatt/onnx";
import { activationRange, computeParams, saturatesAt, type QuantParams, type Range } from "./arithmetic.ts";
import type { FloatNode } from "./report.ts";
import type { QuantizationFormat } from "./format.ts";
import { clipBounds } from "./rules/absorbed.ts";
import { computesIn8Bits, ruleOf } from "./rules/operators.ts";
import type { RuleContext, WeightUse } from "./rules/rule.ts";

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
  const tensors = new Map<string, PlannedTensor>();
  const weights = new Map<NodeProto, WeightUse>();
  const constants = new Map<NodeProto, number[]>();
  const outputs = new Map<NodeProto, string>();
  const absorbed = new Set<NodeProto>();
  const quantized: NodeProto[] = [];
  const float: FloatNode[] = [];
  const inFloat: NodeProto[] = [];
  const integers = activationRange(format);

  const context: RuleContext = {
    graph,
    isActivation: (tensor) => ranges.has(tensor),
    isReadInside: (tensor) => graph.consumers(tensor).some((node) => !node.input.includes(tensor)),
    isQuantized: (tensor) => tensors.has(tensor),
    quantize(tensor) {
      if (!tensors.has(tensor)) tensors.set(tensor, { ...context.paramsOf(tensor), owner: tensor });
    },
    quantizeLike(output, input) {
      const planned = tensors.get(input);
      if (planned !== undefined) tensors.set(output, planned);
    },
    paramsOf: (tensor) => computeParams(ranges.get(tensor) as Range, integers, false),
    absorb(output) {
      const producer = graph.producer(output);
      let current = output;
      for (;;) {
        const next = graph.soleConsumer(current);
        const bounds = next === undefined ? undefined : clipBounds(graph, next);
        const clipped = next?.output[0] ?? "";
        if (next === undefined || bounds === undefined || next.input[0] !== current || !ranges.has(clipped)) break;
        if (options.exclude?.has(next.name) === true) break;
        // A graph inside another node reads it by its name, under which there would be what is not clipped yet.
        if (context.isReadInside(clipped)) break;
        if (!context.saturates(context.paramsOf(clipped), bounds.low, bounds.high)) break;
        absorbed.add(next);
        current = clipped;
      }
      if (producer !== undefined && current !== output) outputs.set(producer, current);
      return current;
    },
    saturates: (params, low, high) => saturatesAt(params, integers, low, high),
    addWeights: (node, use) => weights.set(node, use),
    addConstant(node, inputIndex) {
      constants.set(node, [...(constants.get(node) ?? []), inputIndex]);
    },
  };

  for (const node of graph.nodes) {
    if (absorbed.has(node)) continue;
    const reason = reasonForFloat(node, context, options);
    if (reason === undefined) quantized.push(node);
    else {
      float.push({ name: node.name, op: node.opType, reason });
      inFloat.push(node);
    }
  }
  const guarded = new Set(inFloat.filter((node) => needsGuard(graph, node, tensors)));
  return { tensors, weights, constants, outputs, absorbed, guarded, quantized, float };
}

function reasonForFloat(node: NodeProto, context: RuleContext, { exclude, only }: PlanOptions): string | undefined {
  if (exclude?.has(node.name) === true) return "it was excluded";
  if (only?.has(node.name) === false) return "it is not among the nodes that were asked for";
  const rule = ruleOf(node);
  return rule === undefined ? `the quantizer has no rule for ${node.opType}` : rule(node, context);
}

/** Whether 8-bit values come in, and go out directly or through Relu and Clip, of an operator that ONNX Runtime can fuse. */
function needsGuard(graph: Graph, node: NodeProto, tensors: ReadonlyMap<string, PlannedTensor>): boolean {
  if (!computesIn8Bits(node) || !node.input.some((name) => tensors.has(name))) return false;
  let [output = ""] = node.output;
  for (;;) {
    if (tensors.has(output)) return true;
    const next = graph.soleConsumer(output);
    if (next === undefined || clipBounds(graph, next) === undefined) return false;
    output = next.output[0] ?? "";
  }
}
