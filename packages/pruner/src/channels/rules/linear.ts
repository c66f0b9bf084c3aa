import { DataType, floatAttribute, intAttribute, type NodeProto } from "@edgewatt/onnx";
import { nameOf, type ChannelFlow } from "../flow.ts";
import type { Rule } from "./rule.ts";

/** Conv: [out, in / groups, …] weights, channels on the second side. */
export const conv: Rule = (flow, node) => {
  const dims = floatDims(flow, node, 1);
  const [outputs = 0, perGroup = 0] = dims ?? [];
  const groups = intAttribute(node, "group", 1);
  if (dims === undefined || dims.length < 3 || !hasPlainBias(flow, node, outputs)) return false;
  const input = readChannels(flow, node, 1, perGroup * groups);
  if (groups === 1) {
    addDense(flow, node, { input, inputAxis: 1, outputAxis: 0, outputs, channelAxis: 1 });
    return true;
  }
  if (perGroup === 1 && input !== undefined) {
    const multiplier = outputs / groups;
    const labels = input.flatMap((label) => Array<number>(multiplier).fill(label));
    flow.depthwise.push({ kind: "grouped", node, output: labels });
    flow.counts.push({ kind: "groups", node, labels: input });
    flow.constants.push({ node, input: 1, axis: 0, labels });
    if ((node.input[2] ?? "") !== "") flow.constants.push({ node, input: 2, axis: 0, labels });
    flow.setChannels(node.output[0] ?? "", { axis: 1, labels });
    return true;
  }
  flow.fixInputs(node, `the grouped ${nameOf(node)} reads them`);
  const labels = flow.labels.fresh(outputs);
  flow.labels.fix(labels, "it is a grouped convolution");
  flow.grouped.push({ kind: "grouped", node, output: labels });
  flow.setChannels(node.output[0] ?? "", { axis: 1, labels });
  return true;
};

/** Gemm with factors of 1: weights [in, out], or [out, in] with `transB`. */
export const gemm: Rule = (flow, node) => {
  const dims = floatDims(flow, node, 1);
  if (dims?.length !== 2 || intAttribute(node, "transA", 0) !== 0) return false;
  if (floatAttribute(node, "alpha", 1) !== 1 || floatAttribute(node, "beta", 1) !== 1) return false;
  const inputAxis = intAttribute(node, "transB", 0) === 1 ? 1 : 0;
  const outputAxis = 1 - inputAxis;
  const [inputs, outputs] = [dims[inputAxis] as number, dims[outputAxis] as number];
  if (!hasPlainBias(flow, node, outputs)) return false;
  const input = readChannels(flow, node, 1, inputs);
  addDense(flow, node, { input, inputAxis, outputAxis, outputs, channelAxis: 1 });
  return true;
};

/** MatMul by a constant matrix: channels are counted by the last side. */
export const matMul: Rule = (flow, node) => {
  const dims = floatDims(flow, node, 1);
  const rank = flow.shape(node.input[0] ?? "")?.length ?? 0;
  if (dims?.length !== 2 || rank < 2) return false;
  const [inputs = 0, outputs = 0] = dims;
  const input = readChannels(flow, node, rank - 1, inputs);
  addDense(flow, node, { input, inputAxis: 0, outputAxis: 1, outputs, channelAxis: rank - 1 });
  return true;
};

interface DenseShape {
  readonly input: readonly number[] | undefined;
  readonly inputAxis: number;
  readonly outputAxis: number;
  readonly outputs: number;
  /** The side of its output that counts channels. */
  readonly channelAxis: number;
}

function addDense(flow: ChannelFlow, node: NodeProto, shape: DenseShape): void {
  const { input, inputAxis, outputAxis, channelAxis } = shape;
  const output = flow.labels.fresh(shape.outputs);
  flow.labels.mark(output);
  flow.dense.push({ kind: "dense", node, input, output, inputAxis, outputAxis });
  flow.constants.push({ node, input: 1, axis: outputAxis, labels: output });
  if (input !== undefined) flow.constants.push({ node, input: 1, axis: inputAxis, labels: input });
  if ((node.input[2] ?? "") !== "") flow.constants.push({ node, input: 2, axis: 0, labels: output });
  flow.setChannels(node.output[0] ?? "", { axis: channelAxis, labels: output });
}

/** The channels that a layer reads, where they lie on the side that it counts them by; else they have to stay. */
function readChannels(flow: ChannelFlow, node: NodeProto, axis: number, count: number): readonly number[] | undefined {
  const channels = flow.channels(node.input[0] ?? "");
  if (channels?.axis === axis && channels.labels.length === count) return channels.labels;
  flow.fixInputs(node, `${nameOf(node)} reads them by another side`);
  return undefined;
}

function floatDims(flow: ChannelFlow, node: NodeProto, input: number): readonly number[] | undefined {
  const tensor = flow.graph.constant(node.input[input] ?? "");
  return tensor?.dataType === DataType.FLOAT ? tensor.dims.map(Number) : undefined;
}

/** Whether a layer has no bias, or a constant one with one value per output. */
function hasPlainBias(flow: ChannelFlow, node: NodeProto, outputs: number): boolean {
  if ((node.input[2] ?? "") === "") return true;
  const dims = floatDims(flow, node, 2);
  return dims?.length === 1 && dims[0] === outputs;
}
