import {
  deriveModel,
  deriveNode,
  Graph,
  makeNode,
  makeTensor,
  readFloats,
  type ModelProto,
  type NodeProto,
  type TensorProto,
} from "@edgewatt/onnx";
import type { EmittedModel } from "../src/int8/emit.ts";
import type { Plan } from "../src/int8/plan.ts";
import { clipBounds } from "../src/rules/absorbed.ts";

/**
 * The int8 graph with its quantization taken out again: float weights and constants back in their places, what 8 bits clip to (an absorbed Relu,
 * the ends of HardSigmoid) as a Clip, what a change of scale multiplies by as a Mul, and nothing at all for every other pair of
 * QuantizeLinear and DequantizeLinear. If planning and writing were right, it computes what the float model computes.
 */
export function withoutQuantization(
  { model: emitted, dequantized }: EmittedModel,
  source: Graph,
  plan: Plan,
): ModelProto {
  const graph = new Graph(emitted);
  const byName = new Map(source.nodes.map((node) => [node.name, node]));
  const added: TensorProto[] = [];
  const scalar = (value: number): string => {
    const name = graph.uniqueName("float_constant");
    added.push(makeTensor(name, [], Float32Array.of(value)));
    return name;
  };
  /** The scale of what a node that works on integers reads, in the units of which it works here. */
  const readScale = (node: NodeProto): string =>
    graph.producer(dequantized.get(byName.get(node.name)?.input[0] ?? "") ?? "")?.input[1] ?? "";
  const nodes = graph.nodes.map((node) => {
    switch (node.opType) {
      case "QuantizeLinear":
        return unquantized(node, clippedBy(graph.producer(node.input[0] ?? ""), plan, source), scalar);
      case "DequantizeLinear":
        return graph.initializer(node.input[0] ?? "") === undefined ? rescaled(node, graph, readScale, scalar) : node;
      default:
        return restored(node, byName.get(node.name), plan, dequantized);
    }
  });
  const own = new Set(emitted.graph?.initializer.map((tensor) => tensor.name));
  const float = (source.model.graph?.initializer ?? []).filter((tensor) => !own.has(tensor.name));
  return deriveModel(emitted, {
    node: nodes,
    initializer: [...(emitted.graph?.initializer ?? []), ...float, ...added],
  });
}

function restored(
  node: NodeProto,
  original: NodeProto | undefined,
  plan: Plan,
  dequantized: EmittedModel["dequantized"],
): NodeProto {
  if (original === undefined) return node;
  const rewrite = plan.rewrites.get(original);
  if (rewrite?.kind === "integers") {
    const [first = "", ...others] = original.input;
    return deriveNode(original, { input: [dequantized.get(first) ?? first, ...others], output: node.output });
  }
  if (rewrite !== undefined) return node;
  const indices = new Set([...(plan.constants.get(original) ?? []), ...(plan.weights.has(original) ? [1, 2] : [])]);
  const input = node.input.map((name, index) => (indices.has(index) ? (original.input[index] ?? name) : name));
  return deriveNode(node, { input, output: node.output });
}

/** The Clip, or nothing, that quantizing a tensor stands for. */
function unquantized(
  node: NodeProto,
  bounds: { low: number; high: number } | undefined,
  scalar: (value: number) => string,
): NodeProto {
  const [input = ""] = node.input;
  if (bounds === undefined) return makeNode("Identity", node.name, [input], node.output);
  const limits = [bounds.low, bounds.high].map((value) => scalar(Math.max(-3e38, Math.min(3e38, value))));
  return makeNode("Clip", node.name, [input, ...limits], node.output);
}

function clippedBy(
  producer: NodeProto | undefined,
  plan: Plan,
  source: Graph,
): { low: number; high: number } | undefined {
  if (producer === undefined) return undefined;
  for (const [node, rewrite] of plan.rewrites) {
    if (rewrite.kind !== "hard-sigmoid") continue;
    if (producer.name === (rewrite.timesInput ? `${node.output[0] ?? ""}_gate` : node.name)) return { low: 0, high: 1 };
  }
  const original = plan.quantized.find((node) => node.name === producer.name);
  let [low, high] = [-Infinity, Infinity];
  for (const absorbed of original === undefined ? [] : absorbedInto(original, plan, source)) {
    const bounds = clipBounds(source, absorbed);
    low = Math.max(low, bounds?.low ?? low);
    high = Math.min(high, bounds?.high ?? high);
  }
  return low === -Infinity && high === Infinity ? undefined : { low, high };
}

function absorbedInto(node: NodeProto, plan: Plan, source: Graph): NodeProto[] {
  const found: NodeProto[] = [];
  let [output = ""] = node.output;
  while (plan.outputs.has(node) && output !== plan.outputs.get(node)) {
    const next = source.soleConsumer(output);
    if (next === undefined) break;
    found.push(next);
    output = next.output[0] ?? "";
  }
  return found;
}

/** Integers that are read with another scale than they were written with are multiplied by the quotient. */
function rescaled(
  node: NodeProto,
  graph: Graph,
  readScale: (node: NodeProto) => string,
  scalar: (value: number) => string,
): NodeProto {
  const [input = "", scale = ""] = node.input;
  const writer = graph.producer(input);
  const written = writer === undefined || writer.opType === "QuantizeLinear" ? writer?.input[1] : readScale(writer);
  const [to = 1, from = 1] = [scale, written ?? ""].map((name) => scaleOf(graph, name));
  if (to === from) return makeNode("Identity", node.name, [input], node.output);
  return makeNode("Mul", node.name, [input, scalar(to / from)], node.output);
}

function scaleOf(graph: Graph, name: string): number | undefined {
  const tensor = graph.initializer(name);
  return tensor === undefined ? undefined : readFloats(tensor)[0];
}
