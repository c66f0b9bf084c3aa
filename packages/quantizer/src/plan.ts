import type { Graph, NodeProto } from "@edgewatt/onnx";
import { activationRange, computeParams, saturatesAt, type QuantParams, type Range } from "./arithmetic.ts";
import type { FloatNode } from "./report.ts";
import type { QuantizationFormat } from "./format.ts";
import { clipBounds } from "./rules/absorbed.ts";
import { ruleOf } from "./rules/operators.ts";
import type { RuleContext, WeightUse } from "./rules/rule.ts";

/** Parameters of a quantized tensor, and the tensor whose scale and zero point it shares (often itself). */
interface PlannedTensor extends QuantParams {
  readonly owner: string;
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
  readonly quantized: readonly NodeProto[];
  readonly float: readonly FloatNode[];
}

/** Decides for each node of a prepared graph whether it is quantized, and with which parameters. Changes nothing in the graph. */
export function makePlan(graph: Graph, ranges: ReadonlyMap<string, Range>, format: QuantizationFormat): Plan {
  const tensors = new Map<string, PlannedTensor>();
  const weights = new Map<NodeProto, WeightUse>();
  const constants = new Map<NodeProto, number[]>();
  const outputs = new Map<NodeProto, string>();
  const absorbed = new Set<NodeProto>();
  const quantized: NodeProto[] = [];
  const float: FloatNode[] = [];
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
    const rule = ruleOf(node);
    const reason = rule === undefined ? `the quantizer has no rule for ${node.opType}` : rule(node, context);
    if (reason === undefined) quantized.push(node);
    else float.push({ name: node.name, op: node.opType, reason });
  }
  return { tensors, weights, constants, outputs, absorbed, quantized, float };
}
