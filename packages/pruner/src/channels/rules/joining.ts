import { intAttribute } from "@edgewatt/onnx";
import { nameOf } from "../flow.ts";
import type { Rule } from "./rule.ts";

/** Concat: behind each other along the channels; along another side they have to go together. */
export const concat: Rule = (flow, node) => {
  const labelled = node.input.flatMap((name) => flow.channels(name) ?? []);
  const [first] = labelled;
  const rank = flow.shape(node.input[0] ?? "")?.length ?? 0;
  if (first === undefined) return true;
  if (labelled.some(({ axis }) => axis !== first.axis) || rank === 0) return false;
  if ((intAttribute(node, "axis", 1) + rank) % rank !== first.axis) {
    if (labelled.length !== node.input.length) return false;
    for (const other of labelled) flow.labels.join(first.labels, other.labels);
    flow.setChannels(node.output[0] ?? "", first);
    return true;
  }
  const labels = node.input.flatMap((name) => {
    const known = flow.channels(name);
    if (known !== undefined) return known.labels;
    const unknown = flow.labels.fresh(flow.shape(name)?.[first.axis] ?? 0);
    flow.labels.fix(unknown, `${nameOf(node)} joins them with tensors whose channels are not known`);
    return unknown;
  });
  flow.setChannels(node.output[0] ?? "", { axis: first.axis, labels });
  return true;
};

/** Split: each output has a part of the channels, or all of them where another side is split. */
export const split: Rule = (flow, node) => {
  const channels = flow.channels(node.input[0] ?? "");
  if (channels === undefined) return true;
  const rank = flow.shape(node.input[0] ?? "")?.length ?? 0;
  if ((intAttribute(node, "axis", 0) + rank) % rank !== channels.axis) {
    for (const output of node.output) flow.setChannels(output, channels);
    return true;
  }
  // The sizes are written anew, which a node that computes them would not read.
  if ((node.input[1] ?? "") !== "" && flow.integers(node.input[1] ?? "") === undefined) return false;
  const parts: number[][] = [];
  let start = 0;
  for (const output of node.output) {
    const size = flow.shape(output)?.[channels.axis] ?? 0;
    const labels = channels.labels.slice(start, start + size);
    flow.labels.mark(labels);
    flow.setChannels(output, { axis: channels.axis, labels });
    parts.push(labels);
    start += size;
  }
  if (start !== channels.labels.length) return false;
  flow.counts.push({ kind: "split", node, parts });
  return true;
};

/** Slice: only along other sides. */
export const slice: Rule = (flow, node) => {
  const channels = flow.channels(node.input[0] ?? "");
  if (channels === undefined) return true;
  const shape = flow.shape(node.input[0] ?? "") ?? [];
  const [, starts = "", , given = ""] = node.input;
  const axes = given === "" ? flow.integers(starts)?.map((_, index) => index) : flow.integers(given);
  if (axes === undefined || axes.some((axis) => (axis + shape.length) % shape.length === channels.axis)) return false;
  flow.setChannels(node.output[0] ?? "", channels);
  return true;
};
