import { DataType, floatAttribute, readFloats, type Graph, type NodeProto } from "@edgewatt/onnx";
import { batchNormBehind } from "./adjust.ts";

/** The `epsilon` of BatchNormalization where the node names none (ONNX operator specification). */
const DEFAULT_EPSILON = 1e-5;
/** Outputs that are multiplied by less than this share of the largest factor say nothing. */
const LEAST_SHARE = 1e-6;

/** Values that an activation hands on; it makes one of those below `low` and one of those above `high`. */
export interface Passed {
  readonly low: number;
  readonly high: number;
}

/** Where a layer's error is measured: behind its batch norm, and where its outputs are added to something, at the sum. */
export interface ErrorPlace {
  /** Has the same name in the original and in the pruned graph. */
  readonly tensor: string;
  /** What an error there is multiplied by to be one of the layer's outputs, for each of them; 0 where it says nothing. */
  readonly factors: Float64Array;
  /** What the activation that alone reads the tensor hands on; undefined where there is none. */
  readonly passed: Passed | undefined;
}

/**
 * @param shape of a tensor in the original
 * @param isRepaired whether nothing that a tensor is computed from will be changed any more: else an error of the sum is not this layer's
 */
export function errorPlace(
  graph: Graph,
  node: NodeProto,
  outputs: number,
  shape: (tensor: string) => readonly number[] | undefined,
  isRepaired: (tensor: string) => boolean,
): ErrorPlace {
  let [tensor = ""] = node.output;
  let factors: Float64Array = new Float64Array(outputs).fill(1);
  const batchNorm = batchNormBehind(graph, node);
  const found = batchNorm === undefined ? undefined : inverseScales(graph, batchNorm);
  if (batchNorm !== undefined && found !== undefined) {
    factors = found;
    tensor = batchNorm.output[0] ?? "";
  }
  const sum = graph.soleConsumer(tensor);
  if (sum?.opType === "Add" && sum.domain === "") {
    const other = sum.input[sum.input[0] === tensor ? 1 : 0] ?? "";
    const total = sum.output[0] ?? "";
    if (other !== tensor && String(shape(total)) === String(shape(tensor)) && isRepaired(other)) tensor = total;
  }
  return { tensor, factors, passed: passedBehind(graph, tensor) };
}

function inverseScales(graph: Graph, batchNorm: NodeProto): Float64Array | undefined {
  const [gamma, variance] = [1, 4].map((input) => graph.constant(batchNorm.input[input] ?? ""));
  if (gamma?.dataType !== DataType.FLOAT || variance?.dataType !== DataType.FLOAT) return undefined;
  const epsilon = floatAttribute(batchNorm, "epsilon", DEFAULT_EPSILON);
  const spread = readFloats(variance);
  const scales = Float64Array.from(
    readFloats(gamma),
    (factor, channel) => factor / Math.sqrt((spread[channel] as number) + epsilon),
  );
  const least = LEAST_SHARE * scales.reduce((most, scale) => Math.max(most, Math.abs(scale)), 0);
  return scales.map((scale) => (Math.abs(scale) > least ? 1 / scale : 0));
}

function passedBehind(graph: Graph, tensor: string): Passed | undefined {
  const reader = graph.soleConsumer(tensor);
  if (reader === undefined || reader.domain !== "") return undefined;
  if (reader.opType === "Relu") return { low: 0, high: Infinity };
  if (reader.opType !== "Clip" || reader.input[0] !== tensor) return undefined;
  const bound = (input: number, otherwise: number): number | undefined => {
    const name = reader.input[input] ?? "";
    if (name === "") return otherwise;
    const constant = graph.constant(name);
    return constant?.dataType === DataType.FLOAT ? readFloats(constant)[0] : undefined;
  };
  const [low, high] = [bound(1, -Infinity), bound(2, Infinity)];
  return low === undefined || high === undefined ? undefined : { low, high };
}
