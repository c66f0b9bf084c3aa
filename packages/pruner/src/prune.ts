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
import { findGroups } from "./channels/groups.ts";
import { traceChannels } from "./channels/trace.ts";
import { weightView } from "./channels/weight-view.ts";
import { chooseChannels, weightsOf, type Cut } from "./choose/choose.ts";
import { keptCount } from "./choose/kept-count.ts";
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
  const { input, output, fraction, calibration, signal, align = 16, by = "error" } = options;
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

  const { pruned, kept } = await pruneGraph(flow, { ...options, align, by }, progress);
  progress("check", 0, 1);
  const bytes = await writeChecked(pruned.model, options);
  progress("check", 1, 1);
  return {
    in: input,
    out: output,
    fraction,
    align,
    by,
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
  options: PruneOptions & Required<Pick<PruneOptions, "align" | "by">>,
  progress: (step: PruneStep, done: number, total: number) => void,
): Promise<{ pruned: Graph; kept: KeptPlaces }> {
  const { fraction, align, by, calibration: source } = options;
  const stop = options.signal === undefined ? {} : { signal: options.signal };
  const groups = findGroups(flow);
  if (groups.every(({ fixed }) => fixed !== undefined)) throw nothingToPrune(options.input, groups[0]?.fixed);
  const cuts = groups
    .filter(({ fixed }) => fixed === undefined)
    .map((group): Cut => ({ group, removed: group.members.length - keptCount(group.members.length, fraction, align) }))
    .filter(({ removed }) => removed > 0);
  if (cuts.length === 0) return { pruned: flow.graph, kept: (labels) => [...labels.keys()] };

  const moments = await measureChannelMoments(flow, readersOf(flow, cuts), source, {
    ...stop,
    onImages: (done, total) => progress("measure", done, total),
  });
  const gone = await chooseChannels(flow, cuts, {
    by,
    moments,
    ...stop,
    onGroup: (done, total) => progress("choose", done, total),
  });
  const kept: KeptPlaces = (labels) =>
    [...labels.keys()].filter((place) => !gone.has(flow.labels.find(labels[place] as number)));
  const cut = cutGraph(flow, kept, compensated(flow, moments, gone));
  await repair(flow, cut, kept, { source, ...stop, onLayer: (done, total) => progress("repair", done, total) });
  return { pruned: cut.graph, kept };
}

/** The layers that read channels of groups of which some go, but for those whose covariance would take too much memory and time. */
function readersOf(flow: ChannelFlow, cuts: readonly Cut[]): Reader[] {
  const members = new Set(cuts.flatMap(({ group }) => group.members));
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
