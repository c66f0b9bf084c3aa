import { randomUUID } from "node:crypto";
import { access, constants, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { performance } from "node:perf_hooks";
import {
  firstLineOf,
  modelFileBytes,
  openSession,
  RAISED_OPSET,
  readModel,
  throwIfCanceled,
  writeModel,
  type DataSource,
  type Graph,
} from "@edgewatt/onnx";
import { calibrate, type Calibration } from "./calibration/calibrate.ts";
import { emitModel } from "./emit.ts";
import { QuantizerError } from "./errors.ts";
import { defaultFormat, needsReducedRange, type QuantizationFormat } from "./format.ts";
import { openFused } from "./fusion.ts";
import { makePlan, type Plan } from "./plan.ts";
import { prepareModel, QDQ_OPSET } from "./prepare.ts";
import { measureQuality } from "./quality/compare.ts";
import { measureLayers } from "./quality/layers.ts";
import type { FormatCheck, QuantizeReport } from "./report.ts";
import { candidateTensors } from "./rules/operators.ts";

export type QuantizeStep = "prepare" | "calibrate" | "quantize" | "verify";

/** `done` of `total` are images in `calibrate` and `verify`, else the step as a whole. */
export interface QuantizeProgress {
  readonly step: QuantizeStep;
  readonly done: number;
  readonly total: number;
}

export interface QuantizeOptions {
  /** The float model file. */
  readonly input: string;
  /** Where the int8 model goes; written aside and renamed there only after all checks. */
  readonly output: string;
  /** From `openCalibration`. */
  readonly calibration: DataSource;
  /** The device's format; by default this machine's. */
  readonly format?: QuantizationFormat;
  /** One scale per weight tensor instead of one per output channel: less precise, for old operator sets. */
  readonly perTensor?: boolean;
  /** 7-bit weights; by default where this machine is an x64 without VNNI and `format` is for it. */
  readonly reduceRange?: boolean;
  /** Compares float and int8 on up to 1,000 held-back images instead of 128, and checks that the other format would fuse too. */
  readonly verify?: boolean;
  /** Ranges that an earlier run on the same model found, in place of calibrating again (`onCalibrated` gives them). */
  readonly ranges?: Calibration;
  readonly onCalibrated?: (calibration: Calibration) => void;
  readonly onProgress?: (progress: QuantizeProgress) => void;
  readonly signal?: AbortSignal;
}

/**
 * Quantizes a float ONNX model to int8 (QDQ form) by MinMax calibration, and checks in ONNX Runtime that it really runs in int8.
 * @throws ModelError for a model that cannot be read or loaded, DataError for calibration data that does not fit,
 *   QuantizerError where nothing can be quantized or a Conv, Gemm or MatMul would not fuse (code `not-fused`),
 *   CanceledError on abort. Nothing is written then.
 */
export async function quantize(options: QuantizeOptions): Promise<QuantizeReport> {
  const startedMs = performance.now();
  const { input, output, calibration: source, signal } = options;
  const format = options.format ?? defaultFormat();
  const perChannelWanted = options.perTensor !== true;
  const reducedRange = options.reduceRange ?? needsReducedRange(format);
  const progress = (step: QuantizeStep, done: number, total: number): void =>
    options.onProgress?.({ step, done, total });
  const abortable = signal === undefined ? {} : { signal };

  progress("prepare", 0, 1);
  await checkOutput(input, output);
  let refused: string | undefined;
  const graph = prepareModel(await readModel(input, signal), {
    perChannel: perChannelWanted,
    onOpset: (raise) => (refused = raise.refused),
  });
  checkQuantizable(graph, input, refused);
  // An operator set that could not be raised has one scale per tensor only.
  const perChannel = perChannelWanted && graph.opset >= RAISED_OPSET;
  throwIfCanceled(signal, `quantizing ${input}`);
  progress("prepare", 1, 1);

  const calibration =
    options.ranges ??
    (await calibrate(graph, source, {
      ...abortable,
      name: input,
      onImages: (done, total) => progress("calibrate", done, total),
    }));
  options.onCalibrated?.(calibration);

  progress("quantize", 0, 1);
  const plan = makePlan(graph, calibration.ranges, format);
  checkPlan(plan, input);
  const emitted = emitModel(graph, plan, { format, perChannel, reducedRange });
  throwIfCanceled(signal, `quantizing ${input}`);
  const aside = `${output}.${randomUUID()}.tmp`;
  try {
    const int8Bytes = await writeModel(emitted.model, aside, { externalData: false });
    progress("quantize", 1, 1);
    const { session, fusion } = await openFused(aside, plan, format);
    await using int8 = session;
    await using float = await openSession(input);
    const quality = await measureQuality(float, int8, source, {
      ...abortable,
      thorough: options.verify === true,
      onImages: (done, total) => progress("verify", done, total),
    });
    const otherFormat =
      options.verify === true
        ? await checkOtherFormat(graph, calibration.ranges, { format, perChannel, output })
        : null;
    const layers = await measureLayers(graph, plan, emitted, source, signal);
    const floatBytes = await modelFileBytes(input);
    throwIfCanceled(signal, `quantizing ${input}`);
    await renameOver(aside, output);
    const left = plan.quantized.filter((node) => fusion.left.includes(node.name));
    return {
      in: input,
      out: output,
      format,
      perChannel,
      reducedRange,
      bytes: { float: floatBytes, int8: int8Bytes },
      nodes: {
        quantized: plan.quantized.length,
        fused: fusion.fused,
        float: [
          ...plan.float,
          ...left.map((node) => ({
            name: node.name,
            op: node.opType,
            reason: "ONNX Runtime has no int8 kernel for it here",
          })),
        ],
      },
      sqnrDb: quality.sqnrDb,
      agreement: quality.agreement,
      layers,
      calibration: { kind: calibration.kind, name: calibration.name, images: calibration.images },
      verification: { images: quality.images, heldBack: quality.heldBack, otherFormat },
      wallS: (performance.now() - startedMs) / 1000,
      peakMemoryMb: (process.resourceUsage().maxRSS * 1024) / 1e6,
    };
  } finally {
    await rm(aside, { force: true });
  }
}

/** Whether the other kind of processor would run the model in int8 too, from the ranges that are known already. */
async function checkOtherFormat(
  graph: Graph,
  ranges: Calibration["ranges"],
  { format, perChannel, output }: { format: QuantizationFormat; perChannel: boolean; output: string },
): Promise<FormatCheck> {
  const other = format === "u8s8" ? "s8s8" : "u8s8";
  const plan = makePlan(graph, ranges, other);
  const emitted = emitModel(graph, plan, { format: other, perChannel, reducedRange: false });
  const aside = `${output}.${randomUUID()}.tmp`;
  const counts = { format: other, quantized: plan.quantized.length } as const;
  try {
    await writeModel(emitted.model, aside, { externalData: false });
    const { session, fusion } = await openFused(aside, plan, other);
    await session.close();
    return { ...counts, fused: fusion.fused, problem: null };
  } catch (error) {
    if (!(error instanceof QuantizerError)) throw error;
    return { ...counts, fused: null, problem: error.message };
  } finally {
    await rm(aside, { force: true });
  }
}

function checkQuantizable(graph: Graph, input: string, refused: string | undefined): void {
  const { opset } = graph;
  if (opset < QDQ_OPSET) {
    throw new QuantizerError(
      `${input} uses opset ${opset}, which has no int8, and cannot be raised (${refused ?? "its operators are unknown"}): export it again with opset ${RAISED_OPSET} or later`,
      { code: "opset-too-old", context: { path: input, opset, refused } },
    );
  }
  if (graph.nodes.some((node) => node.opType === "QuantizeLinear" || node.opType === "DequantizeLinear")) {
    throw new QuantizerError(`${input} is quantized already: give the float model`, {
      code: "already-quantized",
      context: { path: input },
    });
  }
  if (candidateTensors(graph).length === 0) throw nothingToQuantize(input);
}

function checkPlan(plan: Plan, input: string): void {
  if (plan.weights.size === 0) throw nothingToQuantize(input, plan);
}

function nothingToQuantize(input: string, plan?: Plan): QuantizerError {
  return new QuantizerError(`${input} has no Conv, Gemm or MatMul that can be quantized: keep the float model`, {
    code: "nothing-to-quantize",
    context: { path: input, float: plan?.float },
  });
}

/** Fails before the work rather than after it. */
async function checkOutput(input: string, output: string): Promise<void> {
  if (resolve(input) === resolve(output)) {
    throw new QuantizerError(`cannot write the int8 model over its float model ${input}: name another output`, {
      code: "output-is-input",
      context: { path: output },
    });
  }
  try {
    await access(dirname(resolve(output)), constants.W_OK);
  } catch (error) {
    throw unwritable(output, error);
  }
}

async function renameOver(aside: string, output: string): Promise<void> {
  try {
    await rename(aside, output);
  } catch (error) {
    throw unwritable(output, error);
  }
}

function unwritable(output: string, cause: unknown): QuantizerError {
  return new QuantizerError(`cannot write ${output}: check the folder and the free space (${firstLineOf(cause)})`, {
    code: "output-unwritable",
    context: { path: output },
    cause,
  });
}
