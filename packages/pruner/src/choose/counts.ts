import type { ChannelFlow } from "../channels/flow.ts";
import type { Group } from "../channels/groups.ts";
import { allocate as allocateByError, type Allocation } from "./allocate.ts";
import { costModel } from "./costs.ts";
import { keptCount, type Alignment } from "./kept-count.ts";
import type { Ranking } from "./surgeon.ts";

interface CountOptions {
  readonly fraction: number;
  readonly align: Alignment;
  readonly allocate: Allocation;
}

/** How many channels of a group may have to go at most, and are ranked therefore. */
export function mostRemoved({ members }: Group, { fraction, align, allocate }: CountOptions): number {
  if (fraction === 0) return 0;
  const channels = members.length;
  return channels - (allocate === "uniform" ? keptCount(channels, fraction, align) : Math.min(channels, align));
}

/** How many channels of each group stay. */
export function keptCounts(
  flow: ChannelFlow,
  groups: readonly Group[],
  rankings: readonly Ranking[],
  { fraction, align, allocate }: CountOptions,
): number[] {
  const uniform = groups.map(({ members }) => keptCount(members.length, fraction, align));
  if (allocate === "uniform") return uniform;
  const candidates = groups.map(({ members }, index) => ({
    channels: members.length,
    uniform: uniform[index] as number,
    losses: rankings[index]?.losses ?? [],
  }));
  return allocateByError(candidates, costModel(flow, groups), align);
}
