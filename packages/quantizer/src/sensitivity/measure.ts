import { performance } from "node:perf_hooks";
import {
  countParameters,
  type DataSource,
  type ModelProfile,
  type ModelProto,
  openSession,
  peakMemoryBytes,
  type Session,
} from "@edgewatt/onnx";
import { calibrate } from "../calibration/calibrate.ts";
import type { CalibrationMethod } from "../calibration/method.ts";
import { nothingToQuantize, readQuantizable } from "../draft/read-quantizable.ts";
import { emitModel } from "../int8/emit.ts";
import { defaultFormat, needsReducedRange, type QuantizationFormat } from "../int8/format.ts";
import { makePlan, type Plan } from "../int8/plan.ts";
import { refuseConflicts } from "../options.ts";
import { recipeConflicts } from "../recipe.ts";
import { verificationRange } from "../quality/held-back.ts";
import type { Closeness } from "../quality/output-meter.ts";
import { compareVariants, type EvaluationRange } from "./alone.ts";
import { layersOf, planAlone, type Layer } from "./layers.ts";
import { profileBoth } from "./profiles.ts";
import type { LayerImportance, SensitivityReport, TimeSummary } from "./report.ts";
import { timeShares, type TimeShares } from "./time-shares.ts";

/** Enough to tell a tenth of a point of accuracy from none. */
const EVALUATED_IMAGES = 1_000;

export type SensitivityStep = "prepare" | "calibrate" | "profile" | "layers";

/** `done` of `total` are images in `calibrate`, runs in `profile`, images times layers in `layers`, else the step as a whole. */
export interface SensitivityProgress {
  readonly step: SensitivityStep;
  readonly done: number;
  readonly total: number;
}

export interface SensitivityOptions {
  /** The float model file. */
  readonly input: string;
  /** From `openCalibration`. */
  readonly calibration: DataSource;
  /** Labelled images for accuracy and noise; by default those that follow the calibration images in their source. */
  readonly evaluation?: DataSource;
  /** How many of them; 1,000 unless told. */
  readonly evaluationImages?: number;
  /** The device's format; by default this machine's. */
  readonly format?: QuantizationFormat;
  /** How the range of each activation is chosen; `minmax` unless told. */
  readonly method?: CalibrationMethod;
  /** What `percentile` keeps, in percent; 99.999 unless told. */
  readonly percentile?: number;
  readonly perTensor?: boolean;
  /** 7-bit weights; by default where this machine is an x64 without VNNI and `format` is for it. */
  readonly reduceRange?: boolean;
  /** Threads inside an operator while time is measured; 0, the default, is one for each core. */
  readonly threads?: number;
  readonly onProgress?: (progress: SensitivityProgress) => void;
  readonly signal?: AbortSignal;
}

/**
 * Measures how important each layer is relative to the others: its share of the weights and of the time, in float and in int8, and
 * what the model loses when this layer alone is quantized (weights, bias, input and output), all others in float.
 * Works in memory that grows neither with the number of images nor of layers.
 * @throws ModelError, DataError and CanceledError and QuantizerError as `quantize` does
 */
export async function measureSensitivity(options: SensitivityOptions): Promise<SensitivityReport> {
  const startedMs = performance.now();
  const { input, signal, threads = 0 } = options;
  refuseConflicts(recipeConflicts(options), `compare the layers of ${input}`);
  const format = options.format ?? defaultFormat();
  const reducedRange = options.reduceRange ?? needsReducedRange(format);
  const progress = (step: SensitivityStep, done: number, total: number): void =>
    options.onProgress?.({ step, done, total });
  const abortable = signal === undefined ? {} : { signal };

  progress("prepare", 0, 1);
  await using model = await readQuantizable({
    input,
    perTensor: options.perTensor === true,
    ...abortable,
  });
  const { graph, perChannel } = model;
  progress("prepare", 1, 1);
  const calibration = await calibrate(graph, options.calibration, {
    ...(options.method === undefined ? {} : { method: options.method }),
    ...(options.percentile === undefined ? {} : { percentile: options.percentile }),
    format,
    ...abortable,
    name: input,
    onImages: (done, total) => progress("calibrate", done, total),
  });
  const plan = makePlan(graph, calibration.ranges, format);
  const layers = layersOf(graph, plan);
  if (layers.every(({ reason }) => reason !== null)) throw nothingToQuantize(input, plan);

  await using float = await openSession(graph.model, { name: input });
  const range = evaluationRange(options, float);
  const emitOptions = { format, perChannel, reducedRange };
  const emit = (part: Plan): ModelProto => emitModel(graph, part, emitOptions).model;
  const profiles = await profileBoth({
    graph,
    int8: emit(plan),
    session: float,
    range,
    format,
    threads,
    name: input,
    signal,
    onRuns: (done, total) => progress("profile", done, total),
  });
  const allMacs = layers.reduce((sum, { node }) => sum + (profiles.macs.get(node.name) ?? 0), 0);
  const shares = {
    float: timeShares(graph, layers, profiles.float),
    int8: timeShares(graph, layers, profiles.int8),
  };

  const quantized = layers.filter(({ reason }) => reason === null);
  const alone = await compareVariants(
    float,
    quantized.map(
      ({ node }) =>
        () =>
          emit(planAlone(graph, plan, node)),
    ),
    range,
    { signal, onImages: (done, total) => progress("layers", done, total) },
  );
  const figures = new Map(quantized.map((layer, index) => [layer, alone.figures[index]]));
  return {
    in: input,
    ...emitOptions,
    layers: layers.map((layer, index) =>
      importanceOf(layer, index, {
        shares,
        macs: profiles.macs.get(layer.node.name) ?? 0,
        allMacs,
        figures: figures.get(layer),
        accuracy: alone.accuracy,
      }),
    ),
    params: countParameters(graph.model),
    macs: allMacs,
    time: {
      int8: summaryOf(shares.int8, profiles.int8),
      float: summaryOf(shares.float, profiles.float),
      threads,
      batch: profiles.batch,
    },
    calibration: { kind: calibration.kind, name: calibration.name, images: calibration.images },
    evaluation: {
      kind: range.source.kind,
      name: range.source.name,
      images: alone.images,
      heldBack: range.heldBack,
      accuracyPct: alone.accuracy === null ? null : 100 * alone.accuracy,
    },
    wallS: (performance.now() - startedMs) / 1000,
    peakMemoryMb: peakMemoryBytes() / 1e6,
  };
}

function evaluationRange(
  { calibration, evaluation, evaluationImages = EVALUATED_IMAGES }: SensitivityOptions,
  float: Session,
): EvaluationRange & { readonly heldBack: boolean } {
  if (evaluation === undefined)
    return { source: calibration, ...verificationRange(calibration, float, evaluationImages) };
  return {
    source: evaluation,
    first: 0,
    count: Math.min(evaluationImages, evaluation.available),
    heldBack: evaluation.name !== calibration.name,
  };
}

function importanceOf(
  { node, params, weightsPct, reason }: Layer,
  index: number,
  found: {
    readonly shares: { readonly float: TimeShares; readonly int8: TimeShares };
    readonly macs: number;
    readonly allMacs: number;
    readonly figures: Closeness | undefined;
    readonly accuracy: number | null;
  },
): LayerImportance {
  const { shares, macs, allMacs, figures, accuracy } = found;
  const lost =
    figures === undefined || figures.accuracy === null || accuracy === null ? null : accuracy - figures.accuracy;
  return {
    index,
    name: node.name,
    op: node.opType,
    params,
    weightsPct,
    macs,
    macsPct: allMacs === 0 ? 0 : (100 * macs) / allMacs,
    timePct: shares.int8.layers[index] ?? 0,
    floatTimePct: shares.float.layers[index] ?? 0,
    sqnrDb: figures?.sqnrDb ?? null,
    agreement: figures?.agreement ?? null,
    // Beyond these digits there is only what subtracting shares rounds off.
    accuracyDropPt: lost === null ? null : Number((100 * lost).toFixed(6)),
    reason,
  };
}

function summaryOf({ other, totalMs }: TimeShares, { runs }: ModelProfile): TimeSummary {
  return { otherPct: other, totalMs, runs };
}
