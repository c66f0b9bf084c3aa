import type { ConvChannels } from "@edgewatt/onnx";
import type { BenchmarkArgs, ModelArtifact, Precision, QuantizeReport } from "@edgewatt/protocol";
import { JobError } from "../errors.ts";
import type { JobContext } from "../jobs/operation.ts";
import type { ModelProgress } from "../models/progress.ts";
import { ModelWorker } from "../models/worker.ts";
import type { Feeds } from "../runner/messages.ts";
import { digestsOf, fetchCalibration, quantizeLocal, type LocalCalibration } from "./calibration.ts";
import type { Workbench } from "./workbench.ts";

/** Inputs that a window cycles through: enough that caches do not hold all of them, few enough to be sent at once. */
const INPUT_IMAGES = 64;
const DEFAULT_QUANTIZE = { images: 256 } as const;

/** An entry of a benchmark whose files are here and ready to be measured. */
export interface PreparedEntry {
  readonly run: string;
  readonly model: ModelArtifact;
  readonly precision: Precision;
  readonly path: string;
  readonly fileBytes: number;
  readonly params: number | null;
  readonly feeds: readonly Feeds[];
  readonly convs: readonly ConvChannels[];
  /** Of an int8 model that was quantized here. */
  readonly report: QuantizeReport | undefined;
}

export interface PreparedEntries {
  readonly entries: readonly PreparedEntry[];
  /** The labelled set, when there is one. */
  readonly evaluationPath: string | undefined;
}

/** Fetches all files, quantizes the int8 models that are missing, and prepares inputs. `onShare` is told 0 to 1. */
export async function prepareEntries(
  args: BenchmarkArgs,
  bench: Workbench,
  context: JobContext,
  onShare: (step: "fetch" | ModelProgress["step"] | "upload", detail: string, share: number) => void,
): Promise<PreparedEntries> {
  const { signal, job } = context;
  const digests = digestsOf(args.evaluation, args.calibration, ...args.entries.map(({ model }) => model));
  const evaluationPath =
    args.evaluation === undefined ? undefined : await bench.store.fetch(args.evaluation, digests, signal);
  const calibration = await fetchCalibration(args.calibration, digests, bench, context);
  const source = { what: evaluationPath ?? calibration.what, seed: calibration.seed };
  await using worker = new ModelWorker(signal);
  const entries: PreparedEntry[] = [];
  for (const [index, { model, precision }] of args.entries.entries()) {
    const share = (part: number) => (index + part) / args.entries.length;
    onShare("fetch", model.name, share(0));
    const floatPath = await bench.store.fetch(model, digests, signal);
    const inspected = await worker.inspect({
      modelPath: floatPath,
      source: { ...source, mean: model.mean, std: model.std },
      images: INPUT_IMAGES,
    });
    const { batch = 1 } = args.options;
    if (batch > 1 && !inspected.dynamicBatch) {
      throw new JobError(
        `${model.name} takes a fixed number of images, so it cannot be measured with batch ${batch}: export it with a dynamic first side, or leave the batch out`,
        { code: "batch-fixed", context: { model: model.name, batch } },
      );
    }
    const { feeds, convs } = inspected;
    const common = { run: `${job}/${index}`, model, precision, feeds, convs };
    const params = model.params ?? (inspected.quantized ? null : inspected.params);
    if (precision === "fp32" && inspected.quantized) {
      throw new JobError(`${model.name} is an int8 model already: ask for precision int8`, { code: "precision" });
    }
    if (precision === "fp32" || inspected.quantized) {
      entries.push({ ...common, params, path: floatPath, fileBytes: model.bytes, report: undefined });
      continue;
    }
    const keep = entries.map(({ path }) => path);
    const int8 = await quantizeEntry(
      { args, model, floatPath, calibration, keep },
      bench,
      context,
      (step, note, part) => onShare(step, [model.name, note].filter(Boolean).join(", "), share(part)),
    );
    entries.push({ ...common, params, path: int8.path, fileBytes: int8.bytes, report: int8.report });
  }
  return { entries, evaluationPath };
}

async function quantizeEntry(
  work: {
    args: BenchmarkArgs;
    model: ModelArtifact;
    floatPath: string;
    calibration: LocalCalibration;
    keep: readonly string[];
  },
  bench: Workbench,
  context: JobContext,
  onShare: (step: ModelProgress["step"] | "upload", note: string, share: number) => void,
): Promise<{ path: string; bytes: number; report: QuantizeReport }> {
  const { args, model, floatPath, calibration, keep } = work;
  const options = args.options.quantize ?? DEFAULT_QUANTIZE;
  const int8 = await quantizeLocal({ model, modelPath: floatPath, calibration, options }, bench, {
    signal: context.signal,
    keep,
    onProgress: ({ step, share, note }) => onShare(step, note, share),
  });
  if (args.upload !== undefined) {
    onShare("upload", "", 1);
    await bench.store.upload(int8.path, int8.sha256, args.upload, context.signal);
  }
  if (!int8.cached) context.event("info", `quantized ${model.name} in ${int8.report.wallS.toFixed(1)} s`);
  return int8;
}
