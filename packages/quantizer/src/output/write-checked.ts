import {
  collectGarbage,
  deriveModels,
  openSession,
  stageModel,
  throwIfCanceled,
  type DataSource,
  type DerivedModels,
} from "@edgewatt/onnx";
import type { Draft } from "../draft/draft.ts";
import { QuantizerError } from "../errors.ts";
import type { OpenedInt8 } from "../int8/fusion.ts";
import type { QuantizeOptions, ReportProgress } from "../options.ts";
import { measureQuality, type Quality } from "../quality/compare.ts";
import { ExpectedOutputs, type KeptOutputs } from "../quality/expected-outputs.ts";
import { measureLayers, type LayerFigures } from "../quality/layers.ts";
import type { FloatNode } from "../int8/float-node.ts";
import { searchReport, type FormatCheck, type QuantizeReport } from "../report.ts";

/** What a report says of an int8 model that was written and checked. */
type CheckedReport = Omit<QuantizeReport, "in" | "out" | "parity" | "bytes" | "wallS" | "peakMemoryMb"> & {
  readonly int8Bytes: number;
};

/** Writes the draft aside, checks it there, and only then puts it in its place. */
export async function writeChecked(
  draft: Draft,
  options: QuantizeOptions,
  progress: ReportProgress,
): Promise<CheckedReport> {
  const { input, output, signal } = options;
  throwIfCanceled(signal, `quantizing ${input}`);
  await using staged = await stageModel(draft.int8.model, output);
  progress("quantize", 1, 1);
  const checked = await check(draft, staged.path, options, progress);
  throwIfCanceled(signal, `quantizing ${input}`);
  await staged.commit();

  const { quality, fusion } = checked;
  return {
    format: draft.int8.format,
    perChannel: draft.perChannel,
    reducedRange: draft.reducedRange,
    method: draft.method,
    techniques: draft.techniques,
    int8Bytes: staged.bytes,
    nodes: {
      quantized: draft.quantized.length,
      fused: fusion.fused,
      float: [...draft.leftInFloat, ...unfused(draft, fusion)],
    },
    sqnrDb: quality?.sqnrDb ?? null,
    agreement: quality?.agreement ?? null,
    macs: checked.layers?.macs ?? null,
    layers: checked.layers?.layers ?? [],
    calibration: draft.calibration,
    search: draft.search === null ? null : searchReport(draft.search),
    verification: {
      images: quality?.images ?? 0,
      heldBack: quality?.heldBack ?? false,
      otherFormat: checked.otherFormat,
    },
  };
}

interface Checked extends Pick<OpenedInt8, "fusion"> {
  readonly quality: Quality | undefined;
  readonly layers: LayerFigures | undefined;
  readonly otherFormat: FormatCheck | null;
}

/** Loads what was written, and compares it with the float model where there is data to do so. */
async function check(draft: Draft, path: string, options: QuantizeOptions, progress: ReportProgress): Promise<Checked> {
  const { calibration: source, signal } = options;
  collectGarbage();
  await using float = await deriveModels(draft.float.model);
  const { session: int8, fusion } = await draft.int8.open(path);
  let quality: Quality | undefined;
  try {
    if (source !== undefined)
      quality = await compareWhole(int8, { models: float, kept: draft.floatOutputs }, source, options, progress);
  } finally {
    await int8.close();
  }
  const layers = source === undefined ? undefined : await measureLayers(draft, float, source, signal);
  const otherFormat = options.verify === true ? await checkOtherFormat(draft, options.output) : null;
  return { fusion, quality, layers, otherFormat };
}

async function compareWhole(
  int8: OpenedInt8["session"],
  { models, kept }: { models: DerivedModels; kept: KeptOutputs | undefined },
  source: DataSource,
  { input, signal, verify }: QuantizeOptions,
  progress: ReportProgress,
): Promise<Quality> {
  // The file itself costs three times the memory of the prepared graph, which computes the same; and layouts of weights that are faster
  // to compute with would cost as much again.
  await using expected =
    verify === true
      ? new ExpectedOutputs(() => openSession(input))
      : new ExpectedOutputs(() => models.open({}, { memoryPattern: false, optimization: "extended" }), kept);
  return await measureQuality(expected, int8, source, {
    thorough: verify === true,
    ...(signal === undefined ? {} : { signal }),
    onImages: (done, total) => progress("verify", done, total),
  });
}

/** Whether the other kind of processor would run the model in int8 too, from the ranges that are known already. */
async function checkOtherFormat(draft: Draft, output: string): Promise<FormatCheck> {
  const other = await draft.otherFormat();
  const counts = { format: other.format, quantized: other.quantized } as const;
  await using staged = await stageModel(other.model, output);
  try {
    const { session, fusion } = await other.open(staged.path);
    await session.close();
    return { ...counts, fused: fusion.fused, problem: null };
  } catch (error) {
    if (!(error instanceof QuantizerError)) throw error;
    return { ...counts, fused: null, problem: error.message };
  }
}

function unfused(draft: Draft, fusion: OpenedInt8["fusion"]): FloatNode[] {
  const left = new Set(fusion.left);
  return draft.quantized
    .filter(({ name }) => left.has(name))
    .map(({ name, opType }) => ({ name, op: opType, reason: "ONNX Runtime has no int8 kernel for it here" }));
}
