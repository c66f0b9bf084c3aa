import { floatAttribute, intAttribute } from "../attributes.ts";
import { DataType } from "../data-type.ts";
import type { Graph } from "../graph.ts";
import type { NodeProto, TensorProto } from "../proto.ts";
import { dimsOf, elementCount, readFloats } from "../tensor.ts";

/** The `epsilon` of BatchNormalization where the node names none (ONNX operator specification). */
const DEFAULT_EPSILON = 1e-5;

/** y = scale x + shift, each with one value per channel. */
export interface Affine {
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

/** Where the channels lie in the tensor that a constant is combined with. */
export interface ChannelPlace {
  readonly rank: number;
  readonly axis: number;
  readonly channels: number;
}

/** The constant float32 tensor of that name, or undefined. */
export function floatConstant(graph: Graph, name: string): TensorProto | undefined {
  const tensor = graph.constant(name);
  return tensor?.dataType === DataType.FLOAT ? tensor : undefined;
}

/**
 * What a BatchNormalization does to each channel: scale = gamma / sqrt(var + epsilon), shift = beta - mean scale (ONNX operator
 * specification). Undefined where it normalizes by each batch's statistics, which ONNX Runtime does for `training_mode` and
 * before opset 14 wherever the node has more than one output, or by statistics per element (`spatial` = 0 until opset 8).
 */
export function batchNormAffine(graph: Graph, node: NodeProto, channels?: number): Affine | undefined {
  if (node.opType !== "BatchNormalization" || node.domain !== "" || node.output.length !== 1) return undefined;
  if (intAttribute(node, "training_mode", 0) !== 0 || intAttribute(node, "spatial", 1) === 0) return undefined;
  // Until opset 6 a node normalizes by its batch unless it says that it is a test.
  if (graph.opset < 7 && intAttribute(node, "is_test", 0) === 0) return undefined;
  const tensors = [1, 2, 3, 4].map((index) => floatConstant(graph, node.input[index] ?? ""));
  const [gamma, beta, mean, variance] = tensors;
  if (gamma === undefined || beta === undefined || mean === undefined || variance === undefined) return undefined;
  const count = channels ?? elementCount(dimsOf(gamma));
  if ([gamma, beta, mean, variance].some((tensor) => elementCount(dimsOf(tensor)) !== count)) return undefined;
  const epsilon = floatAttribute(node, "epsilon", DEFAULT_EPSILON);
  const spread = readFloats(variance);
  const scale = Float64Array.from(readFloats(gamma), (value, c) => value / Math.sqrt((spread[c] ?? 0) + epsilon));
  const means = readFloats(mean);
  const shift = Float64Array.from(readFloats(beta), (value, c) => value - (means[c] ?? 0) * (scale[c] ?? 1));
  return finite({ scale, shift });
}

/** What an Add, Sub, Mul or Div with a constant does to each channel of `input`; undefined where the constant varies along another side. */
export function arithmeticAffine(
  graph: Graph,
  node: NodeProto,
  input: string,
  place: ChannelPlace,
): Affine | undefined {
  if (node.domain !== "" || !["Add", "Sub", "Mul", "Div"].includes(node.opType) || node.input.length !== 2)
    return undefined;
  const isFirst = node.input[0] === input;
  const tensor = floatConstant(graph, node.input[isFirst ? 1 : 0] ?? "");
  const values = tensor === undefined ? undefined : valuesPerChannel(tensor, place);
  if (values === undefined) return undefined;
  const all = (value: number): Float64Array => new Float64Array(place.channels).fill(value);
  switch (node.opType) {
    case "Add":
      return finite({ scale: all(1), shift: values });
    case "Sub":
      return finite(
        isFirst ? { scale: all(1), shift: values.map((value) => -value) } : { scale: all(-1), shift: values },
      );
    case "Mul":
      return finite({ scale: values, shift: all(0) });
    default:
      return isFirst ? finite({ scale: values.map((value) => 1 / value), shift: all(0) }) : undefined;
  }
}

function valuesPerChannel(tensor: TensorProto, { rank, axis, channels }: ChannelPlace): Float64Array | undefined {
  const dims = dimsOf(tensor);
  if (dims.length > rank) return undefined;
  const aligned = [...Array.from({ length: rank - dims.length }, () => 1), ...dims];
  if (aligned.some((side, index) => side !== 1 && !(index === axis && side === channels))) return undefined;
  const values = readFloats(tensor);
  return Float64Array.from({ length: channels }, (_, channel) => values[values.length === 1 ? 0 : channel] ?? 0);
}

function finite(affine: Affine): Affine | undefined {
  return [...affine.scale, ...affine.shift].every(Number.isFinite) ? affine : undefined;
}
