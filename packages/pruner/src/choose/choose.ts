import { setImmediate } from "node:timers/promises";
import { throwIfCanceled } from "@edgewatt/onnx";
import type { ChannelMoments } from "../activations/channel-moments.ts";
import type { ChannelFlow } from "../channels/flow.ts";
import type { Group } from "../channels/groups.ts";
import { rankByNorm, weightNorms } from "./by-l1.ts";
import { SurgeonLayers } from "./surgeon-layers.ts";
import { rankByError, type Ranking } from "./surgeon.ts";

/** How channels are chosen: by what the layers behind lose, or by the size of the weights that write them. */
export const CRITERIA = ["error", "l1"] as const;
export type Criterion = (typeof CRITERIA)[number];

/** A group, and how many of its channels are ranked. */
export interface RankedGroup {
  readonly group: Group;
  readonly most: number;
}

export interface RankOptions {
  readonly by: Criterion;
  /** Whether losses are asked for where channels are ranked by the size of their weights. */
  readonly losses: boolean;
  readonly moments: ChannelMoments;
  readonly signal?: AbortSignal;
  readonly onGroup?: (done: number, total: number) => void;
}

/** For each group its members in the order in which they go; `losses` is empty where they are not known or not asked for. */
export async function rankChannels(
  flow: ChannelFlow,
  groups: readonly RankedGroup[],
  options: RankOptions,
): Promise<Ranking[]> {
  const norms = weightNorms(flow);
  const layers = new SurgeonLayers(
    flow,
    groups.map(({ group }) => group),
    options.moments,
  );
  const rankings: Ranking[] = [];
  for (const { group, most } of groups) {
    // Lets a signal in: a choice keeps the processor for seconds.
    await setImmediate();
    throwIfCanceled(options.signal, "choosing channels");
    const bySize = rankByNorm(group.members, norms).slice(0, most);
    const byError = options.by === "error";
    const readers = byError || options.losses ? layers.take(group) : [];
    rankings.push(
      readers.length > 0
        ? rankByError(readers, group.members.length, most, byError ? undefined : bySize)
        : { order: bySize, losses: [] },
    );
    options.onGroup?.(rankings.length, groups.length);
  }
  return rankings;
}
