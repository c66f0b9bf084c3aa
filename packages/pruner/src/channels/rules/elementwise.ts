import { DataType, intAttribute } from "@edgewatt/onnx";
import { nameOf, type Channels } from "../flow.ts";
import type { Rule } from "./rule.ts";

/** Operators that treat each channel of their first input by itself, without constants per channel. */
export const perChannel: Rule = (flow, node) => {
  const channels = flow.channels(node.input[0] ?? "");
  if (channels === undefined) return true;
  if (node.input.slice(1).some((name) => flow.channels(name) !== undefined)) return false;
  // The places that MaxPool counts through all channels.
  if (node.opType === "MaxPool" && (node.output[1] ?? "") !== "") return false;
  for (const output of node.output) flow.setChannels(output, channels);
  return true;
};

/** Softmax and the like: by themselves only where they work along another side. */
export const alongAxis: Rule = (flow, node) => {
  const channels = flow.channels(node.input[0] ?? "");
  if (channels === undefined) return true;
  const rank = flow.shape(node.input[0] ?? "")?.length ?? 0;
  if ((intAttribute(node, "axis", -1) + rank) % rank === channels.axis) return false;
  return perChannel(flow, node);
};

/** BatchNormalization in inference, and InstanceNormalization: constants per channel from the second input on. */
export const normalization: Rule = (flow, node) => {
  const [input = "", ...constants] = node.input;
  const channels = flow.channels(input);
  if (channels === undefined) return true;
  const trains = intAttribute(node, "training_mode", 0) !== 0 || node.output.length !== 1;
  if (trains || channels.axis !== 1) return false;
  const fits = constants.every((name) => {
    const tensor = flow.graph.constant(name);
    return tensor?.dataType === DataType.FLOAT && tensor.dims.length === 1;
  });
  if (!fits) return false;
  for (const index of constants.keys())
    flow.constants.push({ node, input: index + 1, axis: 0, labels: channels.labels });
  return perChannel(flow, node);
};

/** Pad: by itself where the channels are not padded. */
export const pad: Rule = (flow, node) => {
  const channels = flow.channels(node.input[0] ?? "");
  if (channels === undefined) return true;
  const pads = flow.integers(node.input[1] ?? "");
  if (pads === undefined || (node.input[3] ?? "") !== "") return false;
  if (pads[channels.axis] !== 0 || pads[channels.axis + pads.length / 2] !== 0) return false;
  return perChannel(flow, node);
};

/** Add, Mul and the like with any number of inputs that are broadcast to one shape: what meets has to go together. */
export const broadcast: Rule = (flow, node) => {
  const labelled = node.input.flatMap((name) => flow.channels(name) ?? []);
  if (labelled.length === 0) return true;
  const shapes = node.input.map((name) => flow.shape(name));
  if (shapes.includes(undefined)) return false;
  const rank = Math.max(...shapes.map((shape) => shape?.length ?? 0));
  const places = node.input.map((name, index) => placeOf(flow.channels(name), shapes[index]));
  const known = places.filter((place) => place !== undefined);
  const [fromEnd = 0] = known;
  if (known.some((place) => place !== fromEnd)) return false;
  const full = Math.max(...labelled.map(({ labels }) => labels.length));
  let output: Channels | undefined;
  const slices: { input: number; axis: number }[] = [];
  for (const [index, name] of node.input.entries()) {
    const shape = shapes[index] ?? [];
    const own = flow.channels(name);
    const axis = shape.length - fromEnd;
    const side = axis < 0 ? 1 : (shape[axis] ?? 1);
    if (side === 1 && full !== 1) {
      if (own !== undefined) flow.labels.fix(own.labels, `${nameOf(node)} spreads it over all channels`);
    } else if (own !== undefined) {
      if (output === undefined) output = { axis: rank - fromEnd, labels: own.labels };
      else flow.labels.join(output.labels, own.labels);
    } else if (flow.graph.constant(name)?.dataType === DataType.FLOAT) {
      if (side === full) slices.push({ input: index, axis });
    } else if (side !== 1) return false;
  }
  if (output === undefined) return false;
  for (const slice of slices) flow.constants.push({ node, ...slice, labels: output.labels });
  flow.setChannels(node.output[0] ?? "", output);
  return true;
};

/** Counted from the end, as broadcasting aligns sides there. */
function placeOf(channels: Channels | undefined, shape: readonly number[] | undefined): number | undefined {
  return channels === undefined || shape === undefined ? undefined : shape.length - channels.axis;
}
