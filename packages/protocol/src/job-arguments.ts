import type { Artifact, ModelArtifact } from "./artifact.ts";
import type { BenchmarkArgs, BenchmarkOptions, Calibration, QuantizeArgs, QuantizeOptions } from "./jobs.ts";
import type { Precision } from "./results.ts";

/** Test images for accuracy where nobody says how many; as many as CIFAR-10 has, or enough to see a loss of two points. */
export const ACCURACY_IMAGES = 10_000;
export const QUICK_ACCURACY_IMAGES = 2_000;

const CALIBRATION_IMAGES = 256;

/** The files of a job, and where those of its result go. */
export interface JobInputs {
  /** A labelled set, where one is here and fits. */
  readonly evaluation: Artifact | undefined;
  readonly calibration: Calibration;
  /** Base URL for results; `undefined`: they stay on the device. */
  readonly upload: string | undefined;
}

/** Arguments of a benchmark of every model in every precision; what `options` leaves open is the method's default. */
export function benchmarkArguments(
  {
    models,
    precisions,
    evaluation,
    calibration,
    upload,
  }: JobInputs & {
    readonly models: readonly ModelArtifact[];
    readonly precisions: readonly Precision[];
  },
  { quick = false, spinning = false, strict = false, accuracyImages, ...options }: Partial<BenchmarkOptions>,
): BenchmarkArgs {
  const images = accuracyImages ?? (quick ? QUICK_ACCURACY_IMAGES : ACCURACY_IMAGES);
  return {
    entries: models.flatMap((model) => precisions.map((precision) => ({ model, precision }))),
    ...(evaluation === undefined ? {} : { evaluation }),
    ...(precisions.includes("int8") ? { calibration } : {}),
    options: { ...options, quick, spinning, strict, accuracyImages: evaluation === undefined ? 0 : images },
    ...(upload === undefined ? {} : { upload }),
  };
}

/** Arguments of the quantization of one model. */
export function quantizeArguments(
  { model, evaluation, calibration, upload }: JobInputs & { readonly model: ModelArtifact },
  { images = CALIBRATION_IMAGES, ...options }: Partial<QuantizeOptions>,
): QuantizeArgs {
  return {
    model,
    calibration,
    options: { images, ...options },
    ...(evaluation === undefined ? {} : { evaluation }),
    ...(upload === undefined ? {} : { upload }),
  };
}
