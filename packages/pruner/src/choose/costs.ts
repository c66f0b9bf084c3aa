import { dimsOf, elementCount } from "@edgewatt/onnx";
import type { ChannelFlow } from "../channels/flow.ts";
import type { Group } from "../channels/groups.ts";

/** What a model costs: weights, biases and constants per channel, and multiply-accumulate operations of one run of its layers. */
export interface Costs {
  readonly params: number;
  readonly macs: number;
}

/** The costs of a model by how many channels of each group stay. */
export interface CostModel {
  /** @param kept one count for each group */
  total(kept: readonly number[]): Costs;
  /** How much less it costs where `group` has `count` channels instead of those in `kept`. */
  saved(kept: readonly number[], group: number, count: number): Costs;
}

/** A constant: values beside the sides that are cut, the multiply-accumulate operations that each value takes, and those sides. */
interface Part {
  readonly values: number;
  readonly positions: number;
  readonly sides: readonly Side[];
}

/** A side of a constant: so many of its places stay whatever is cut, and so many belong to each channel of some groups. */
interface Side {
  readonly fixed: number;
  readonly shares: readonly { readonly group: number; readonly perChannel: number }[];
}

/** Reads off a graph what it costs; places of a group are taken to be spread evenly over its channels. */
export function costModel(flow: ChannelFlow, groups: readonly Group[]): CostModel {
  const parts = partsOf(flow, groups);
  const partsOfGroup = groups.map((_, group) =>
    parts.filter(({ sides }) => sides.some(({ shares }) => shares.some((share) => share.group === group))),
  );
  return {
    total: (kept) => sumOf(parts, kept),
    saved(kept, group, count) {
      const some = partsOfGroup[group] as Part[];
      const [before, after] = [sumOf(some, kept), sumOf(some, kept.with(group, count))];
      return { params: before.params - after.params, macs: before.macs - after.macs };
    },
  };
}

function sumOf(parts: readonly Part[], kept: readonly number[]): Costs {
  let [params, macs] = [0, 0];
  for (const { values, positions, sides } of parts) {
    let size = values;
    for (const { fixed, shares } of sides) {
      let length = fixed;
      for (const { group, perChannel } of shares) length += perChannel * (kept[group] as number);
      size *= length;
    }
    params += size;
    macs += positions * size;
  }
  return { params, macs };
}

function partsOf(flow: ChannelFlow, groups: readonly Group[]): Part[] {
  const groupOf = new Map(groups.flatMap(({ members }, group) => members.map((root) => [root, group] as const)));
  const found = new Map<string, { values: number; positions: number; sides: Side[] }>();
  for (const { node, input, axis, labels } of flow.constants) {
    const name = node.input[input] ?? "";
    // Statistics that training updates but does not learn.
    if (node.opType === "BatchNormalization" && input > 2) continue;
    const key = `${node.name} ${input}`;
    const tensor = flow.graph.constant(name);
    if (tensor === undefined) continue;
    const dims = dimsOf(tensor);
    const part = found.get(key) ?? { values: elementCount(dims), positions: positionsOf(flow, node, input), sides: [] };
    found.set(key, part);
    part.values /= dims[axis] as number;
    part.sides.push(sideOf(labels, (label) => groupOf.get(flow.labels.find(label)), groups));
  }
  return [...found.values()];
}

function sideOf(
  labels: readonly number[],
  groupOf: (label: number) => number | undefined,
  groups: readonly Group[],
): Side {
  const counts = new Map<number, number>();
  let fixed = 0;
  for (const label of labels) {
    const group = groupOf(label);
    if (group === undefined) fixed++;
    else counts.set(group, (counts.get(group) ?? 0) + 1);
  }
  const shares = [...counts].map(([group, count]) => ({
    group,
    perChannel: count / (groups[group]?.members.length ?? 1),
  }));
  return { fixed, shares };
}

/** How often each weight of a layer is multiplied in one run on one sample. */
function positionsOf(flow: ChannelFlow, node: ChannelFlow["constants"][number]["node"], input: number): number {
  if (input !== 1 || !["Conv", "Gemm", "MatMul"].includes(node.opType)) return 0;
  const tensor = node.output[0] ?? "";
  const [axis, shape] = [flow.channels(tensor)?.axis, flow.shape(tensor) ?? []];
  return shape.reduce((product, side, index) => (index === 0 || index === axis ? product : product * side), 1);
}
