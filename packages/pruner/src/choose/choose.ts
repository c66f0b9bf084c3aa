import { setImmediate } from "node:timers/promises";
import { DataType, floatAttribute, readFloats, throwIfCanceled, type NodeProto } from "@edgewatt/onnx";
import type { ChannelMoments, Reader } from "../activations/channel-moments.ts";
import type { ChannelFlow } from "../channels/flow.ts";
import type { Group } from "../channels/groups.ts";
import { invertMoments, lesseningRidge } from "../linear-algebra/ridge.ts";
import { rankByNorm, weightNorms } from "./by-l1.ts";
import { weightEnergy } from "./energy.ts";
import { rankByError, type Ranking, type SurgeonLayer } from "./surgeon.ts";

/** How channels are chosen: by what the layers behind lose, or by the size of the weights that write them. */
export const CRITERIA = ["error", "l1"] as const;
export type Criterion = (typeof CRITERIA)[number];

/**
 * Of the mean variance, at most: keeps inputs that only happen to go together on the calibration images from passing for redundant.
 */
const CHOICE_RIDGE = 1e-5;
/** The `epsilon` of BatchNormalization where the node names none (ONNX operator specification). */
const DEFAULT_EPSILON = 1e-5;

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
  const rankings: Ranking[] = [];
  for (const { group, most } of groups) {
    // Lets a signal in: a choice keeps the processor for seconds.
    await setImmediate();
    throwIfCanceled(options.signal, "choosing channels");
    const bySize = rankByNorm(group.members, norms).slice(0, most);
    const byError = options.by === "error";
    const readers = byError || options.losses ? surgeonLayers(flow, group, options.moments) : [];
    rankings.push(
      readers.length > 0
        ? rankByError(readers, group.members.length, most, byError ? undefined : bySize)
        : { order: bySize, losses: [] },
    );
    options.onGroup?.(rankings.length, groups.length);
  }
  return rankings;
}

/** The layers that read channels of a group; empty where a choice by error is not possible, as nothing reads them. */
function surgeonLayers(flow: ChannelFlow, group: Group, moments: ChannelMoments): SurgeonLayer[] {
  const places = new Map(group.members.map((root, member) => [root, member]));
  const layers: SurgeonLayer[] = [];
  for (const [reader, { covariance, columns }] of moments) {
    const { view } = reader;
    const inputsOf = group.members.map((): number[] => []);
    for (const [block, root] of view.members.entries()) {
      const member = places.get(root);
      if (member !== undefined) inputsOf[member]?.push(block);
    }
    if (inputsOf.every((inputs) => inputs.length === 0)) continue;
    const ridge = lesseningRidge(CHOICE_RIDGE, view.blocks, columns);
    const inverse = invertMoments(Float64Array.from(covariance), view.blocks, ridge);
    if (inverse === undefined) continue;
    const weights = weightsOf(flow, reader);
    const energy = weightEnergy(weights, view, scalesBehind(flow, reader.layer.node, view.outputs));
    const variance = energy.reduce((sum, value, index) => sum + value * (covariance[index] as number), 0);
    layers.push({ size: view.blocks, inverse, energy, inputsOf, variance });
  }
  return layers;
}

export function weightsOf(flow: ChannelFlow, { layer }: Reader): Float32Array {
  return readFloats(flow.graph.constant(layer.node.input[1] ?? "") as Parameters<typeof readFloats>[0]);
}

/** What a batch norm behind a layer multiplies its outputs by, so that losses compare whether it was folded or not. */
function scalesBehind(flow: ChannelFlow, node: NodeProto, outputs: number): Float64Array | undefined {
  const behind = flow.graph.soleConsumer(node.output[0] ?? "");
  if (behind?.opType !== "BatchNormalization") return undefined;
  const [gamma, variance] = [1, 4].map((input) => flow.graph.constant(behind.input[input] ?? ""));
  if (gamma?.dataType !== DataType.FLOAT || variance?.dataType !== DataType.FLOAT) return undefined;
  const epsilon = floatAttribute(behind, "epsilon", DEFAULT_EPSILON);
  const [factors, spread] = [readFloats(gamma), readFloats(variance)];
  return Float64Array.from(
    { length: outputs },
    (_, output) => (factors[output] as number) / Math.sqrt((spread[output] as number) + epsilon),
  );
}
