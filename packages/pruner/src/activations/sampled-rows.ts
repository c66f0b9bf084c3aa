import { deriveNode, findAttribute, setAttribute, type NodeProto } from "@edgewatt/onnx";
import type { ExtraNodes } from "./extra-nodes.ts";

/** Enough positions of a tensor over all images; more hardly change what is fitted. */
const POSITIONS = 65_536;
/** Beyond any side of a tensor, as Slice takes it for the end. */
const END = 2 ** 31 - 1;

/** Of how many positions along each side one is taken, so that about `POSITIONS` are left over all images. */
export function stepOf(shape: readonly number[], images: number): number {
  const sides = shape.slice(2);
  if (sides.length === 0) return 1;
  const positions = images * sides.reduce((product, side) => product * side, 1);
  return Math.max(1, Math.floor((positions / POSITIONS) ** (1 / sides.length)));
}

/** [batch, channels, …] with only some of the positions. */
export function samplePositions(nodes: ExtraNodes, tensor: string, rank: number, step: number): string {
  const sides = Array.from({ length: rank - 2 }, (_, side) => side + 2);
  if (step === 1 || sides.length === 0) return tensor;
  const all = (value: number): string => nodes.integers(...sides.map(() => value));
  return nodes.add("Slice", [tensor, all(0), all(END), nodes.integers(...sides), all(step)]);
}

/** One row for each channel, one column for each image and position. */
export function channelRows(nodes: ExtraNodes, tensor: string, shape: readonly number[], axis: number): string {
  const order = [axis, ...shape.keys()].filter((side, index) => index === 0 || side !== axis);
  const moved = nodes.add("Transpose", [tensor], { perm: order.map(BigInt) });
  return nodes.add("Reshape", [moved, nodes.integers(shape[axis] as number, -1)]);
}

/**
 * One row for each weight of one output of a Conv, in the order of its weights, and one column for each image and sampled position. ONNX Runtime
 * cuts the patches by a depthwise Conv whose kernels are ones at one place each, so that strides, pads and dilations are those of the layer.
 */
export function patchRows(nodes: ExtraNodes, conv: NodeProto, dims: readonly number[], step: number): string {
  const [, channels = 0, ...kernel] = dims;
  const taps = kernel.reduce((product, side) => product * side, 1);
  const ones = new Float32Array(channels * taps * taps);
  for (let row = 0; row < channels * taps; row++) ones[row * taps + (row % taps)] = 1;
  const kernels = nodes.constant([channels * taps, 1, ...kernel], ones);
  const output = `${kernels}_patches`;
  const patches = deriveNode(conv, { input: [conv.input[0] ?? "", kernels], output: [output] });
  patches.name = `${output}_node`;
  patches.attribute = [...conv.attribute];
  setAttribute(patches, "group", BigInt(channels));
  const strides = findAttribute(conv, "strides")?.ints ?? kernel.map(() => 1n);
  setAttribute(
    patches,
    "strides",
    strides.map((stride) => stride * BigInt(step)),
  );
  nodes.addNode(patches);
  return channelRows(nodes, output, [0, channels * taps, ...kernel], 1);
}

/** Whether positions of a layer's output can be left out by longer strides: those of a Conv whose pads do not follow from them. */
export function canStride(node: NodeProto): boolean {
  const pads = findAttribute(node, "auto_pad");
  const text = pads === undefined ? "NOTSET" : new TextDecoder().decode(pads.s);
  return node.opType === "Conv" && !text.startsWith("SAME");
}
