import { findAttribute, intAttribute, type NodeProto } from "@edgewatt/onnx";
import type { ChannelFlow, Channels } from "../flow.ts";
import type { Rule } from "./rule.ts";

/** Flatten from the channels on: each channel becomes as many values as it has positions. */
export const flatten: Rule = (flow, node) => {
  const channels = flow.channels(node.input[0] ?? "");
  if (channels === undefined) return true;
  const shape = flow.shape(node.input[0] ?? "") ?? [];
  const axis = (intAttribute(node, "axis", 1) + shape.length) % shape.length;
  if (axis !== 1 || channels.axis !== 1) return false;
  flow.setChannels(node.output[0] ?? "", { axis: 1, labels: spread(channels, shape) });
  return true;
};

/** Reshape where it flattens, or where it only adds or drops sides behind the channels. */
export const reshape: Rule = (flow, node) => {
  const [input = "", target = ""] = node.input;
  const channels = flow.channels(input);
  if (channels === undefined) return true;
  const [before, after] = [flow.shape(input) ?? [], flow.shape(node.output[0] ?? "") ?? []];
  if (channels.axis !== 1 || before[0] !== after[0] || after.length < 2) return false;
  const keeps = after[1] === channels.labels.length;
  if (!keeps && after.length !== 2) return false;
  const labels = keeps ? channels.labels : spread(channels, before);
  if (after[1] !== labels.length) return false;
  const shape = flow.integers(target);
  if (shape === undefined) {
    // Computed from the batch, as exporters do; what counts is that the rest is left open.
    if (!endsOpen(flow, target) || after.length !== 2) return false;
  } else if ((shape[1] ?? 0) > 0) {
    flow.counts.push({ kind: "shape", node, input: 1, position: 1, labels });
  } else if (shape[1] === 0 && !keeps) return false;
  flow.setChannels(node.output[0] ?? "", { axis: 1, labels });
  return true;
};

/** Transpose moves the side that counts channels. */
export const transpose: Rule = (flow, node) => {
  const channels = flow.channels(node.input[0] ?? "");
  if (channels === undefined) return true;
  const rank = flow.shape(node.input[0] ?? "")?.length ?? 0;
  const order =
    findAttribute(node, "perm")?.ints.map(Number) ?? Array.from({ length: rank }, (_, side) => rank - 1 - side);
  flow.setChannels(node.output[0] ?? "", { axis: order.indexOf(channels.axis), labels: channels.labels });
  return true;
};

/** Squeeze and the reductions that drop or keep other sides than the channels. */
export const dropSides: Rule = (flow, node) => {
  const channels = flow.channels(node.input[0] ?? "");
  if (channels === undefined) return true;
  const rank = flow.shape(node.input[0] ?? "")?.length ?? 0;
  const axes = axesOf(flow, node)?.map((axis) => (axis + rank) % rank);
  if (axes === undefined || axes.includes(channels.axis)) return false;
  const keeps = node.opType !== "Squeeze" && intAttribute(node, "keepdims", 1) === 1;
  const axis = keeps ? channels.axis : channels.axis - axes.filter((side) => side < channels.axis).length;
  flow.setChannels(node.output[0] ?? "", { axis, labels: channels.labels });
  return true;
};

export const unsqueeze: Rule = (flow, node) => {
  const channels = flow.channels(node.input[0] ?? "");
  if (channels === undefined) return true;
  const rank = flow.shape(node.output[0] ?? "")?.length ?? 0;
  const axes = axesOf(flow, node)?.map((axis) => (axis + rank) % rank);
  if (axes === undefined) return false;
  const old = Array.from({ length: rank }, (_, side) => side).filter((side) => !axes.includes(side));
  flow.setChannels(node.output[0] ?? "", { axis: old[channels.axis] as number, labels: channels.labels });
  return true;
};

/** Resize by factors, or to sizes whose count of channels can be written anew. */
export const resize: Rule = (flow, node) => {
  const [input = "", , , sizes = ""] = node.input;
  const channels = flow.channels(input);
  if (channels === undefined) return true;
  if (flow.shape(node.output[0] ?? "")?.[channels.axis] !== channels.labels.length) return false;
  if (findAttribute(node, "axes") !== undefined) return false;
  if (sizes !== "") {
    if (flow.integers(sizes) === undefined) return false;
    flow.counts.push({ kind: "shape", node, input: 3, position: channels.axis, labels: channels.labels });
  }
  flow.setChannels(node.output[0] ?? "", channels);
  return true;
};

/** Shape: harmless where only other sides than the channels are taken from it. */
export const shapeOf: Rule = (flow, node) => {
  const channels = flow.channels(node.input[0] ?? "");
  return channels === undefined || readsOtherSides(flow, node.output[0] ?? "", channels.axis);
};

function readsOtherSides(flow: ChannelFlow, shape: string, axis: number): boolean {
  if (flow.graph.isOutput(shape) || flow.graph.isReadInside(shape)) return false;
  return flow.graph.consumers(shape).every((reader) => {
    if (reader.opType === "Cast") return readsOtherSides(flow, reader.output[0] ?? "", axis);
    if (reader.opType === "Gather" && reader.input[0] === shape) {
      const sides = flow.integers(reader.input[1] ?? "");
      return sides !== undefined && sides.every((side) => side >= 0 && side !== axis);
    }
    if (reader.opType !== "Slice" || reader.input[0] !== shape) return false;
    const [start = -1] = flow.integers(reader.input[1] ?? "") ?? [];
    const [end = -1] = flow.integers(reader.input[2] ?? "") ?? [];
    const step = (reader.input[4] ?? "") === "" ? 1 : flow.integers(reader.input[4] ?? "")?.[0];
    return step === 1 && start >= 0 && end >= 0 && (end <= axis || start > axis);
  });
}

/** Whether a shape that is computed ends with a constant -1: as many values as there are. */
function endsOpen(flow: ChannelFlow, shape: string): boolean {
  const producer = flow.graph.producer(shape);
  const last = producer?.opType === "Cast" ? (producer.input[0] ?? "") : (producer?.input.at(-1) ?? "");
  if (producer?.opType === "Concat") return isOpen(flow, last);
  return producer?.opType === "Cast" && endsOpen(flow, last);
}

function isOpen(flow: ChannelFlow, side: string): boolean {
  const producer = flow.graph.producer(side);
  if (producer?.opType === "Cast" || producer?.opType === "Unsqueeze") return isOpen(flow, producer.input[0] ?? "");
  const values = flow.integers(side);
  return values?.length === 1 && values[0] === -1;
}

function axesOf(flow: ChannelFlow, node: NodeProto): readonly number[] | undefined {
  return findAttribute(node, "axes")?.ints.map(Number) ?? flow.integers(node.input[1] ?? "");
}

function spread(channels: Channels, shape: readonly number[]): number[] {
  const positions = shape.slice(2).reduce((product, side) => product * side, 1);
  return channels.labels.flatMap((label) => Array<number>(positions).fill(label));
}
