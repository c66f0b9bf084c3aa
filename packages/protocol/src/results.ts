import { z } from "zod";
import { powerSourceSchema } from "./presence.ts";

export const RESULTS_SCHEMA = "edgewatt.results/1";

export const precisionSchema = z.enum(["fp32", "int8"]);
export type Precision = z.infer<typeof precisionSchema>;

/** A figure that may not have been measured; the reason for a `null` is then among the row's flags. */
const figure = z.number().nullable();

/** The device that the rows name, with what is needed to repeat the measurement. */
const resultDeviceSchema = z.looseObject({
  id: z.string(),
  board: z.string(),
  cpu: z.string(),
  cores: z.number(),
  governor: z.string().nullable(),
  os: z.string(),
  node: z.string(),
  onnxruntime: z.string(),
  power: z
    .looseObject({
      source: powerSourceSchema,
      channel: z.string(),
      rateHz: z.number(),
      settings: z.record(z.string(), z.unknown()),
    })
    .nullable(),
});
export type ResultDevice = z.infer<typeof resultDeviceSchema>;

const resultMethodSchema = z.looseObject({
  quick: z.boolean(),
  /** Windows per row. */
  windows: z.number(),
  windowS: z.number(),
  threads: z.number(),
  batch: z.number(),
  /** Test images on which accuracy was measured; 0 when there was no data set. */
  accuracyImages: z.number(),
  /** What int8 models were calibrated on; `synthetic` images are named as such. */
  calibration: z.looseObject({ kind: z.string(), images: z.number() }).nullable(),
});
export type ResultMethod = z.infer<typeof resultMethodSchema>;

/** One model in one precision on one device. MB = 10^6 bytes; energies per image. */
const resultRowSchema = z.looseObject({
  device: z.string(),
  model: z.string(),
  pruning: figure,
  fineTuneEpochs: figure,
  precision: precisionSchema,
  params: figure,
  fileSizeMb: figure,
  /** Peak resident memory (VmHWM) of the process that ran the model. */
  maxMemoryMb: figure,
  /** The same process before it loaded the model: runtime and libraries. */
  memoryBaselineMb: figure,
  latencyMs: z.looseObject({
    mean: figure,
    p50: figure,
    p95: figure,
    p99: figure,
    /** 95 % confidence half-width of the mean over windows (Student's t). */
    halfWidth95: figure,
  }),
  maxPowerW: figure,
  meanPowerW: figure,
  idlePowerW: figure,
  /** Window duration ÷ images in it; gross energy = meanPowerW × imageMs. */
  imageMs: figure,
  energyMj: z.looseObject({
    gross: figure,
    grossHalfWidth95: figure,
    net: figure,
    netHalfWidth95: figure,
  }),
  accuracyPct: figure,
  factors: z.looseObject({ threads: z.number(), spinning: z.boolean(), batch: z.number() }),
  /** What a reader must know before using the row, each `code` or `code: detail`. */
  flags: z.array(z.string()),
  /** `job/index` */
  run: z.string(),
  /** Of a row in a merged document: when the document that it comes from was made, and its method where that differs. */
  created: z.iso.datetime().optional(),
  method: resultMethodSchema.optional(),
  /** Of a row in a merged document: where its watts come from, when the device has another source (`null`: none) by now. */
  powerSource: powerSourceSchema.nullable().optional(),
});
export type ResultRow = z.infer<typeof resultRowSchema>;

/** `results.json`. */
export const resultsSchema = z.looseObject({
  schema: z.literal(RESULTS_SCHEMA),
  created: z.iso.datetime(),
  devices: z.array(resultDeviceSchema),
  method: resultMethodSchema,
  rows: z.array(resultRowSchema),
});
export type Results = z.infer<typeof resultsSchema>;
