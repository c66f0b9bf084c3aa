import {
  type ChannelStatistics,
  type DataSource,
  fixedBatch,
  type Graph,
  measureChannels,
  openSession,
} from "@edgewatt/onnx";
import type { Range } from "../int8/arithmetic.ts";
import type { CalibrationMethod } from "../calibration/method.ts";
import type { EmitOptions } from "../int8/emit-options.ts";
import { absorbHighBias } from "./absorb-bias.ts";
import { buildInt8, type Candidate } from "./build-int8.ts";
import { correctBiases } from "./correct-bias.ts";
import { equalizeLayers } from "./equalize.ts";
import { findLinks } from "./layer-links.ts";
import { openJudge } from "./judge.ts";
import { roundWeights } from "./round-weights.ts";
import { splitImages, type ImageSplit } from "./split-images.ts";
import type { Technique } from "./techniques.ts";

/** Finds the ranges of a graph's tensors on the calibration images. */
export type FindRanges = (
  graph: Graph,
  method: CalibrationMethod,
  signal: AbortSignal | undefined,
) => Promise<ReadonlyMap<string, Range>>;

export interface ImproveOptions {
  readonly emit: EmitOptions;
  /** Its first `count` images are the calibration images. */
  readonly source: DataSource;
  readonly findRanges: FindRanges;
  /** Names of nodes that stay in float, whatever is tried: what makes up for the errors of int8 must not count on theirs. */
  readonly keepFloat?: ReadonlySet<string>;
  /** Images that a layer-wise technique learns from, at most, and as many that judge it; 128 unless told. */
  readonly layerImages?: number;
  readonly signal?: AbortSignal;
}

const LAYER_IMAGES = 128;

/** A float graph after the techniques that rescale it, with its ranges and the nodes that are to stay in float. */
export interface Rescaled extends Candidate {
  /** Those of the techniques that found something to do, and were kept. */
  readonly applied: readonly Technique[];
}

/**
 * Equalizes and absorbs, as far as asked for, and finds the ranges of what comes of it. The prepared graph is not changed. Absorption, which is not
 * exact, is kept only where the int8 output comes closer to the float one on the calibration images.
 */
export async function rescale(
  graph: Graph,
  method: CalibrationMethod,
  techniques: readonly Technique[],
  options: ImproveOptions,
): Promise<Rescaled> {
  const applied: Technique[] = [];
  let float = graph;
  if (techniques.includes("equalization")) {
    const equalized = equalizeLayers(float, await linkStatistics(float, options));
    if (equalized.pairs > 0) applied.push("equalization");
    float = equalized.graph;
  }
  const ranges = await options.findRanges(float, method, options.signal);
  const floatNodes = options.keepFloat ?? new Set<string>();
  const plain = { graph: float, ranges, floatNodes, applied };
  if (!techniques.includes("bias-absorption")) return plain;
  const absorbed = absorbHighBias(float, await linkStatistics(float, options));
  if (absorbed.channels === 0) return plain;
  const absorbedRanges = await options.findRanges(absorbed.graph, method, options.signal);
  const moved = { graph: absorbed.graph, ranges: absorbedRanges, floatNodes };
  return (await isCloser(graph, moved, plain, options))
    ? { ...moved, applied: [...applied, "bias-absorption"] }
    : plain;
}

async function isCloser(
  reference: Graph,
  candidate: Candidate,
  than: Candidate,
  { emit, source, layerImages, signal }: ImproveOptions,
): Promise<boolean> {
  const images = { first: 0, count: Math.min(source.count, layerImages ?? LAYER_IMAGES) };
  await using judge = openJudge(reference, source, images, emit.format);
  const found = await judge.score(buildInt8(candidate, emit).emitted.model, signal);
  const before = await judge.score(buildInt8(than, emit).emitted.model, signal);
  return found.sqnrDb > before.sqnrDb;
}

/**
 * Rounds weights and corrects biases, as far as asked for: rounding first, as bias correction takes up the mean error that it leaves. What
 * comes of it holds only with the very nodes in float that it was made for: for others tune the rescaled graph anew.
 */
export async function tuneLayers(
  rescaled: Rescaled,
  techniques: readonly Technique[],
  options: ImproveOptions,
): Promise<Candidate> {
  let candidate: Candidate = rescaled;
  if (!techniques.includes("rounding") && !techniques.includes("bias-correction")) return candidate;
  const layerwise = { ...options, images: await splitForLayers(rescaled.graph, options) };
  if (techniques.includes("rounding"))
    candidate = { ...candidate, graph: (await roundWeights(rescaled.graph, candidate, layerwise)).graph };
  if (techniques.includes("bias-correction"))
    candidate = { ...candidate, graph: (await correctBiases(rescaled.graph, candidate, layerwise)).graph };
  return candidate;
}

/**
 * Applies techniques to a prepared float graph, which is not changed, in the order of `TECHNIQUES`.
 * @returns the changed float graph with its ranges, ready for `makePlan` and `emitModel`
 */
export async function applyTechniques(
  graph: Graph,
  method: CalibrationMethod,
  techniques: readonly Technique[],
  options: ImproveOptions,
): Promise<Candidate> {
  return tuneLayers(await rescale(graph, method, techniques, options), techniques, options);
}

function linkStatistics(
  graph: Graph,
  { source, signal }: ImproveOptions,
): Promise<ReadonlyMap<string, ChannelStatistics>> {
  const tensors = findLinks(graph).map(({ first }) => first.node.output[0] ?? "");
  return measureChannels(graph, tensors, source, { first: 0, count: source.count }, signal);
}

async function splitForLayers(graph: Graph, { source, layerImages }: ImproveOptions): Promise<ImageSplit> {
  await using session = await openSession(graph.model, { optimization: "disabled" });
  return splitImages(source, fixedBatch(session) ?? 1, layerImages ?? LAYER_IMAGES);
}
