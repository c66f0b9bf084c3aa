import { DataType, dimsOf, elementCount, readFloats, type Graph, type NodeProto } from "@edgewatt/onnx";
import { setConstant } from "../cut/set-constant.ts";

/** The batch norm that alone reads what a node writes. */
export function batchNormBehind(graph: Graph, node: NodeProto): NodeProto | undefined {
  const reader = graph.soleConsumer(node.output[0] ?? "");
  return reader?.opType === "BatchNormalization" && reader.domain === "" ? reader : undefined;
}

/** A constant input of a node that is float32. */
function floatsOf(graph: Graph, node: NodeProto, input: number): Float32Array | undefined {
  const tensor = graph.constant(node.input[input] ?? "");
  return tensor?.dataType === DataType.FLOAT ? readFloats(tensor) : undefined;
}

/** Where something can be added to each output of a layer: a constant input of a node, and the factor that it goes in with. */
interface ShiftPlace {
  readonly node: NodeProto;
  readonly input: number;
  readonly dims: readonly number[];
  readonly old: Float32Array;
  readonly sign: 1 | -1;
}

function shiftPlace(graph: Graph, node: NodeProto, outputs: number): ShiftPlace | undefined {
  const bias = floatsOf(graph, node, 2);
  if (bias !== undefined) return { node, input: 2, dims: [outputs], old: bias, sign: 1 };
  const behind = graph.soleConsumer(node.output[0] ?? "");
  if (behind?.opType === "BatchNormalization" && behind.domain === "") {
    const mean = floatsOf(graph, behind, 3);
    if (mean !== undefined) return { node: behind, input: 3, dims: [outputs], old: mean, sign: -1 };
  }
  if (node.opType !== "MatMul") return { node, input: 2, dims: [outputs], old: new Float32Array(outputs), sign: 1 };
  if (behind?.opType !== "Add") return undefined;
  // A bias that stands by itself.
  const input = behind.input[0] === node.output[0] ? 1 : 0;
  const added = graph.constant(behind.input[input] ?? "");
  const dims = added === undefined ? [] : dimsOf(added);
  if (added?.dataType !== DataType.FLOAT || dims.at(-1) !== outputs || elementCount(dims) !== outputs) return undefined;
  return { node: behind, input, dims, old: readFloats(added), sign: 1 };
}

/** Whether something can be added to each output of a layer. */
export function canShift(graph: Graph, node: NodeProto, outputs: number): boolean {
  return shiftPlace(graph, node, outputs) !== undefined;
}

/** Adds `shift` to each output of a layer: in its bias, in the batch norm or the Add behind it, or in a bias that it gets. */
export function shiftOutputs(graph: Graph, node: NodeProto, shift: Float64Array): void {
  const place = shiftPlace(graph, node, shift.length);
  if (place === undefined) return;
  const moved = place.old.map((value, channel) => value + place.sign * (shift[channel] as number));
  setConstant(graph, place.node, place.input, place.dims, moved);
}

/** Turns what a depthwise Conv writes, after the batch norm behind it if there is one, into scale y + shift. */
export function scaleOutputs(graph: Graph, node: NodeProto, scale: Float64Array, shift: Float64Array): void {
  const batchNorm = batchNormBehind(graph, node);
  const [target, bias] = batchNorm === undefined ? [node, 2] : [batchNorm, 2];
  const weight = graph.constant(target.input[1] ?? "");
  if (weight === undefined) return;
  const dims = dimsOf(weight);
  const run = dims.slice(1).reduce((product, side) => product * side, 1);
  const weights = readFloats(weight).map((value, index) => value * (scale[Math.floor(index / run)] as number));
  const old = floatsOf(graph, target, bias) ?? new Float32Array(scale.length);
  const moved = old.map((value, channel) => value * (scale[channel] as number) + (shift[channel] as number));
  setConstant(graph, target, 1, dims, weights);
  setConstant(graph, target, bias, [moved.length], moved);
}
