import { z } from "zod";
import { GRAPH_OPTIMIZATIONS, MAX_WINDOWS } from "./factors.ts";
import { artifactSchema, modelArtifactSchema } from "./artifact.ts";
import { DEFAULT_TIMEOUT_S, MAX_ENTRIES } from "./job-limits.ts";
import { JOB_STATES } from "./job-states.ts";
import { OPERATIONS } from "./names.ts";
import { precisionSchema, resultsSchema } from "./results.ts";
import { count, epochMs, jobId, version } from "./schemas.ts";

/** Where int8 calibration images come from; without an artifact they are synthetic, and the result says so. */
export const calibrationSchema = z.discriminatedUnion("kind", [
  artifactSchema.extend({ kind: z.enum(["cifar", "npy"]) }),
  z.looseObject({ kind: z.literal("synthetic"), seed: count.optional() }),
]);
export type Calibration = z.infer<typeof calibrationSchema>;

const int8FormatSchema = z.enum(["u8s8", "s8s8"]);

/** How a model becomes int8; what is not said is the quantizer's default. */
export const quantizeRecipeSchema = z.object({
  /** Activations and weights; default: what is fast on the device's processor. */
  format: int8FormatSchema.exactOptional(),
  perTensor: z.boolean().exactOptional(),
  /** 7-bit weights, for x64 without VNNI. */
  reduceRange: z.boolean().exactOptional(),
  /** How the ranges of activations are found. */
  method: z.enum(["minmax", "moving-average", "percentile", "entropy", "mse", "sqnr", "auto"]).exactOptional(),
  /** What the percentile method keeps, in percent. */
  percentile: z.number().gt(50).max(100).exactOptional(),
  /** What is done to the float model so that it loses less. */
  techniques: z.array(z.enum(["equalization", "bias-absorption", "rounding", "bias-correction"])).exactOptional(),
  /** Names of nodes that stay in float. */
  keepFloat: z.array(z.string()).exactOptional(),
  /** Search until no more than this is lost, in percentage points of accuracy, or this signal-to-noise is reached. */
  target: z
    .object({ accuracyDropPt: z.number().min(0).max(100).exactOptional(), sqnrDb: z.number().exactOptional() })
    .exactOptional(),
  /** Bit for bit what onnxruntime's own quantizer gives. */
  parity: z.enum(["ort", "ort-preprocessed"]).exactOptional(),
});
export type QuantizeRecipe = z.infer<typeof quantizeRecipeSchema>;

export const quantizeOptionsSchema = z.looseObject({
  /** Calibration images, the first ones in file order. */
  images: z.number().int().min(1).max(100_000).default(256),
  ...quantizeRecipeSchema.shape,
});
export type QuantizeOptions = z.infer<typeof quantizeOptionsSchema>;

export const benchmarkOptionsSchema = z.looseObject({
  /** Short windows: shows that everything works; a result to cite needs the full method. */
  quick: z.boolean().default(false),
  /**
   * Windows per entry, one in each randomised block: exactly so many, unless `maxWindows` allows more. Without it, those of the method
   * and as many more as its precision takes.
   */
  windows: z.number().int().min(1).max(MAX_WINDOWS).optional(),
  /** How many windows an entry gets at most while its figures are not precise enough. */
  maxWindows: z.number().int().min(1).max(MAX_WINDOWS).optional(),
  /** What is precise enough: the 95 % half-width of gross energy (latency without power), in percent of it. */
  targetHalfWidthPct: z.number().positive().max(100).optional(),
  windowS: z.number().positive().max(600).optional(),
  idleS: z.number().min(0).max(600).optional(),
  /** What all windows together may take: fewer are taken, or precision is not reached, and the rows say so. */
  budgetS: z.number().positive().optional(),
  /** Intra-op threads of ONNX Runtime; default: all cores but the sampler's. */
  threads: z.number().int().min(1).max(256).optional(),
  /** Whether ONNX Runtime's idle threads spin. */
  spinning: z.boolean().default(false),
  graphOptimization: z.enum(GRAPH_OPTIMIZATIONS).optional(),
  /** Images per inference, in models whose batch is dynamic; figures stay per image. */
  batch: z.number().int().min(1).max(1024).optional(),
  /** Whether the power that sampling itself takes is measured first; default: in the full method, once a day. */
  observer: z.boolean().optional(),
  /** Test images for accuracy, from the start of the evaluation set; 0 = none. */
  accuracyImages: count.optional(),
  /** Send nothing inside measured windows. */
  strict: z.boolean().default(false),
  /** Seeds the order of blocks. */
  seed: count.optional(),
  quantize: quantizeOptionsSchema.optional(),
});
export type BenchmarkOptions = z.infer<typeof benchmarkOptionsSchema>;

/** A base URL that takes `PUT <base>/<sha256>`: where a result's files go. Without it they stay on the device. */
export const uploadUrl = z.url({ protocol: /^https?$/ }).optional();

export const quantizeArgsSchema = z.looseObject({
  model: modelArtifactSchema,
  calibration: calibrationSchema,
  options: quantizeOptionsSchema,
  /** A labelled set on which float and int8 accuracy are compared. */
  evaluation: artifactSchema.optional(),
  upload: uploadUrl,
});
export type QuantizeArgs = z.infer<typeof quantizeArgsSchema>;

export const benchmarkArgsSchema = z.looseObject({
  entries: z
    .array(z.looseObject({ model: modelArtifactSchema, precision: precisionSchema }))
    .min(1)
    .max(MAX_ENTRIES),
  evaluation: artifactSchema.optional(),
  /** For int8 models that the device has to quantize first. */
  calibration: calibrationSchema.optional(),
  options: benchmarkOptionsSchema,
  upload: uploadUrl,
});
export type BenchmarkArgs = z.infer<typeof benchmarkArgsSchema>;

/** `edgewatt/v1/{d}/cmd/{op}/{job}`, retained: the desired job. `args` is checked by the operation that it is for. */
export const commandSchema = z.looseObject({
  v: version,
  job: jobId,
  op: z.enum(OPERATIONS),
  /** Strictly rises with every change of the command. */
  rev: z.number().int().positive(),
  issuedAt: epochMs,
  expiresAt: epochMs,
  timeoutS: z.number().positive().default(DEFAULT_TIMEOUT_S),
  cancel: z.boolean().default(false),
  /** Who asked: user and host, or `page`. */
  by: z.string().max(100),
  args: z.looseObject({}),
});
export type Command = z.infer<typeof commandSchema>;

export const JOB_STEPS = [
  "fetch",
  "calibrate",
  "choose",
  "repair",
  "improve",
  "quantize",
  "verify",
  "load",
  "warm-up",
  "measure",
  "profile",
  "layers",
  "accuracy",
  "upload",
] as const;

/** `edgewatt/v1/{d}/job/{job}/state`, retained; written by the agent alone. */
export const jobStateSchema = z.looseObject({
  v: version,
  job: jobId,
  op: z.enum(OPERATIONS),
  /** Of the command that this state answers. */
  rev: z.number().int().positive(),
  state: z.enum(JOB_STATES),
  ts: epochMs,
  boot: count,
  attempt: z.number().int().nonnegative(),
  /** Jobs ahead of this one, while accepted. */
  position: count.optional(),
  startedAt: epochMs.optional(),
  endedAt: epochMs.optional(),
  step: z.enum(JOB_STEPS).optional(),
  /** What the step works on, for people: `mobilenetv1-cifar10-p05 int8, block 2 of 3`. */
  detail: z.string().max(300).optional(),
  /** Share of the whole job that is done, 0 to 1. */
  progress: z.number().min(0).max(1).optional(),
  /** Why the job was rejected, failed, was canceled or interrupted. */
  reason: z.looseObject({ code: z.string(), message: z.string() }).optional(),
  /** Of a succeeded job; its schema is that of the operation. */
  result: z.looseObject({}).optional(),
});
export type JobState = z.infer<typeof jobStateSchema>;

/** A job as far as it is known, as the hub's `/api/runs` shows it; `null` where that message has not been seen. */
export interface Run {
  readonly device: string;
  readonly job: string;
  readonly op: string;
  readonly command: Command | null;
  readonly state: JobState | null;
}

/** `edgewatt/v1/{d}/job/{job}/event`: a line for people. */
export const jobEventSchema = z.looseObject({
  v: version,
  job: jobId,
  ts: epochMs,
  level: z.enum(["info", "warn", "error"]),
  message: z.string().max(2000),
});
export type JobEvent = z.infer<typeof jobEventSchema>;

/** What the quantizer did, as `edgewatt quantize --local --json` prints it; `null` where it was not computed. */
export const quantizeReportSchema = z.looseObject({
  bytes: z.looseObject({ float: count, int8: count }),
  nodes: z.looseObject({
    quantized: count,
    fused: count,
    float: z.array(z.looseObject({ name: z.string(), op: z.string(), reason: z.string() })),
  }),
  sqnrDb: z.number().nullable(),
  agreement: z.number().nullable(),
  wallS: z.number(),
  peakMemoryMb: z.number().nullable(),
  /** Multiply-accumulates of one image, an estimate. */
  macs: z.number().nullable(),
  layers: z.array(
    z.looseObject({ name: z.string(), op: z.string(), sqnrDb: z.number().nullable(), macs: z.number().nullable() }),
  ),
  format: int8FormatSchema,
  method: z.string(),
  techniques: z.array(z.string()),
  parity: z.string().nullable(),
  calibration: z.looseObject({ kind: z.string(), images: count }),
  /** What a search for a target tried; `chosen` is the index of what was written. */
  search: z
    .looseObject({
      reached: z.boolean(),
      chosen: count,
      tries: z.array(
        z.looseObject({
          configuration: z.looseObject({
            method: z.string(),
            techniques: z.array(z.string()),
            floatNodes: z.array(z.string()),
          }),
          /** No noise at all is `null`. */
          score: z.looseObject({ sqnrDb: z.number().nullable() }),
          accuracyDropPt: z.number().nullable(),
          wallS: z.number(),
        }),
      ),
      evaluation: z.looseObject({ count, heldBack: z.boolean(), labelled: z.boolean() }),
    })
    .nullable(),
  /** What signal-to-noise and agreement were measured on. */
  verification: z.looseObject({ images: count, heldBack: z.boolean() }),
});
export type QuantizeReport = z.infer<typeof quantizeReportSchema>;

/**
 * Where a result is too long for a message: the whole of it, a JSON file. What the message holds is then a summary, without what grows with
 * the model, above all `layers`.
 */
export const fullResultSchema = artifactSchema.extend({ kind: z.literal("result") }).optional();

/** Result of a `quantize` job. */
export const quantizeResultSchema = z.looseObject({
  model: z.string(),
  artifact: modelArtifactSchema,
  report: quantizeReportSchema,
  /** `null` where no labelled set was given. */
  accuracyPct: z.looseObject({ float: z.number(), int8: z.number(), images: count }).nullable(),
  cached: z.boolean(),
  full: fullResultSchema,
});
export type QuantizeResult = z.infer<typeof quantizeResultSchema>;

/** Result of a `benchmark` job. */
export const benchmarkResultSchema = z.looseObject({ results: resultsSchema });
export type BenchmarkResult = z.infer<typeof benchmarkResultSchema>;
