import { performance } from "node:perf_hooks";
import {
  checkOutput,
  countParameters,
  findModel,
  peakMemoryBytes,
  throwIfCanceled,
  type Graph,
  type NodeProto,
} from "@edgewatt/onnx";
import { measureChannelMoments, type ChannelMoments, type Reader } from "./activations/channel-moments.ts";
import { measureShapes } from "./activations/shapes.ts";
import type { ChannelFlow } from "./channels/flow.ts";
import { findGroups, type Group } from "./channels/groups.ts";
import { traceChannels } from "./channels/trace.ts";
import { weightView } from "./channels/weight-view.ts";
import { keptCounts, mostRemoved } from "./choose/counts.ts";
import { rankChannels } from "./choose/choose.ts";
import { weightsOf } from "./choose/surgeon-layers.ts";
import { cutGraph, type KeptPlaces } from "./cut/cut-graph.ts";
import { PrunerError } from "./errors.ts";
import { checkOptions, type PruneOptions, type PruneStep } from "./options.ts";
import { prepareModel } from "./prepare.ts";
import { compensate } from "./repair/compensate.ts";
import { repair } from "./repair/repair.ts";
import { channelReport, type PruneReport } from "./report.ts";
import { writeChecked } from "./write-checked.ts";

/** Channels that one layer reads, for their covariance to be measured and inverted: three matrices of 75 MB at most. */
const MOST_CHANNELS = 3072;

/**
 * Takes channels out of a float ONNX model and repairs it in closed form from unlabelled images, without training. Inputs and outputs keep names,
 * types and shapes; what cannot be pruned is left, with the reason.
 * @throws ModelError for a model that cannot be read or loaded, DataError for calibration data that does not fit, PrunerError for options that
 *   cannot be or a model without channels to prune, CanceledError on abort. Nothing is written then.
 */
export async function prune(options: PruneOptions): Promise<PruneReport> {
  const startedMs = performance.now();
  const { input, output, fraction, calibration, signal, align = 16, by = "error", allocate = "uniform" } = options;
  const progress = (step: PruneStep, done: number, total: number): void => options.onProgress?.({ step, done, total });
  checkOptions(options);
  const file = await findModel(input);
  await checkOutput(file.files, output, "pruned model");
  progress("prepare", 0, 1);
  const model = await file.read(signal);
  const paramsBefore = countParameters(model);
  const graph = prepareModel(model, input);
  const flow = traceChannels(graph, await measureShapes(graph, calibration, input, signal));
  throwIfCanceled(signal, `pruning ${input}`);
  progress("prepare", 1, 1);

  const { pruned, kept } = await pruneGraph(flow, { ...options, align, by, allocate }, progress);
  progress("check", 0, 1);
  const bytes = await writeChecked(pruned.model, options);
  progress("check", 1, 1);
  return {
    in: input,
    out: output,
    fraction,
    align,
    by,
    allocate,
    params: { before: paramsBefore, after: countParameters(pruned.model) },
    bytes: { before: file.files.reduce((sum, part) => sum + part.bytes, 0), after: bytes },
    ...channelReport(flow, kept, align),
    calibration: { kind: calibration.kind, name: calibration.name, images: calibration.count },
    wallS: (performance.now() - startedMs) / 1000,
    peakMemoryMb: peakMemoryBytes() / 1e6,
  };
}

async function pruneGraph(
  flow: ChannelFlow,
  options: PruneOptions & Required<Pick<PruneOptions, "align" | "by" | "allocate">>,
  progress: (step: PruneStep, done: number, total: number) => void,
): Promise<{ pruned: Graph; kept: KeptPlaces }> {
  const { by, allocate, calibration: source } = options;
  const stop = options.signal === undefined ? {} : { signal: options.signal };
  const all = findGroups(flow);
  if (all.every(({ fixed }) => fixed !== undefined)) throw nothingToPrune(options.input, all[0]?.fixed);
  const ranked = all
    .filter(({ fixed }) => fixed === undefined)
    .map((group) => ({ group, most: mostRemoved(group, options) }))
    .filter(({ most }) => most > 0);
  if (ranked.length === 0) return { pruned: flow.graph, kept: (labels) => [...labels.keys()] };

  const groups = ranked.map(({ group }) => group);
  const moments = await measureChannelMoments(flow, readersOf(flow, groups), source, {
    ...stop,
    onImages: (done, total) => progress("measure", done, total),
  });
  const rankings = await rankChannels(flow, ranked, {
    by,
    losses: allocate === "error",
    moments,
    ...stop,
    onGroup: (done, total) => progress("choose", done, total),
  });
  const counts = keptCounts(flow, groups, rankings, options);
  const gone = new Set(
    groups.flatMap(({ members }, index) => {
      const order = rankings[index]?.order ?? [];
      return order.slice(0, members.length - (counts[index] as number)).map((member) => members[member] as number);
    }),
  );
  const kept: KeptPlaces = (labels) =>
    [...labels.keys()].filter((place) => !gone.has(flow.labels.find(labels[place] as number)));
  const cut = cutGraph(flow, kept, compensated(flow, moments, gone));
  await repair(flow, cut, kept, { source, ...stop, onLayer: (done, total) => progress("repair", done, total) });
  return { pruned: cut.graph, kept };
}

/** The layers that read channels of groups of which some go, but for those whose covariance would take too much memory and time. */
function readersOf(flow: ChannelFlow, groups: readonly Group[]): Reader[] {
  const members = new Set(groups.flatMap((group) => group.members));
  return flow.dense.flatMap((layer) => {
    const view = weightView(flow, layer);
    const reads = view !== undefined && view.blocks <= MOST_CHANNELS && view.members.some((root) => members.has(root));
    return reads ? [{ layer, view }] : [];
  });
}

function compensated(
  flow: ChannelFlow,
  moments: ChannelMoments,
  gone: ReadonlySet<number>,
): Map<NodeProto, Float32Array> {
  return new Map(
    [...moments].map(([reader, found]) => [
      reader.layer.node,
      compensate(weightsOf(flow, reader), reader.view, found, (block) =>
        gone.has(reader.view.members[block] as number),
      ),
    ]),
  );
}

function nothingToPrune(input: string, reason: string | undefined): PrunerError {
  return new PrunerError(
    `${input} has no channels that can be pruned (${reason ?? "it has no Conv, Gemm or MatMul with constant weights"}): keep the model`,
    { code: "nothing-to-prune", context: { path: input } },
  );
}
