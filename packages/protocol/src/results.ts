import { z } from "zod";
import { channelsSchema } from "./channels.ts";
import { lineageSchema } from "./lineage.ts";
import { lagSchema, observerEffectSchema } from "./meter-facts.ts";
import { powerSourceSchema } from "./presence.ts";
import { studySchema } from "./study.ts";

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
      /** A reading is the mean over so long. */
      averagingMs: z.number().optional(),
    })
    .nullable(),
  observer: observerEffectSchema.nullable().optional(),
  /** Why there is no observer effect. */
  observerNote: z.string().optional(),
  lag: lagSchema.nullable().optional(),
  /** Why there is no lag. */
  lagNote: z.string().optional(),
  temperatureC: z.looseObject({ start: figure, end: figure }).optional(),
  /** Which processors the sampler and the runner were bound to, in words. */
  affinity: z.string().optional(),
});
export type ResultDevice = z.infer<typeof resultDeviceSchema>;

const resultMethodSchema = z.looseObject({
  quick: z.boolean(),
  /** Windows that every row has; a row with figures that spread more has more, see its own `windows`. */
  windows: z.number(),
  windowS: z.number(),
  /** How many windows a row gets at most, and the half-width at which it gets no more (`null`: not looked at). */
  maxWindows: z.number().optional(),
  targetHalfWidthPct: figure.optional(),
  /** What all windows together may take. */
  budgetS: z.number().optional(),
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
  /** The same process before it loaded the model: runtime, libraries and the inputs of the windows. */
  memoryBaselineMb: figure,
  /** What ONNX Runtime takes for its first session, whatever the model; measured with a model of one node. */
  memorySessionMb: figure.optional(),
  /** Peak minus both of them: what the model itself takes, with its arena. */
  memoryModelMb: figure.optional(),
  /** Proportional set size after the windows: what the process holds then, shared pages counted in parts. */
  memoryPssMb: figure.optional(),
  latencyMs: z.looseObject({
    mean: figure,
    min: figure.optional(),
    max: figure.optional(),
    p50: figure,
    p90: figure.optional(),
    p95: figure,
    p99: figure,
    p999: figure.optional(),
    /** 95 % confidence half-width of the mean over windows (Student's t). */
    halfWidth95: figure,
  }),
  /** The largest raw reading, with the bandwidth of one reading: it cannot show shorter peaks. */
  maxPowerW: figure,
  maxPowerBandwidthHz: figure.optional(),
  /** The largest mean over 10 ms, which compares meters of different rates; `null` below 100 readings a second. */
  maxPower10msW: figure.optional(),
  meanPowerW: figure,
  idlePowerW: figure,
  /** Window duration ÷ images in it; gross energy = meanPowerW × imageMs. */
  imageMs: figure,
  energyMj: z.looseObject({
    gross: figure,
    /** 95 %: repetition and, where the meter's limits of error are known, those, combined. */
    grossHalfWidth95: figure,
    net: figure,
    netHalfWidth95: figure,
    /** The parts of the half-widths: type A from repetition, type B from the meter's limits (`null`: not stated by anyone). */
    grossRepetition95: figure.optional(),
    grossMeter95: figure.optional(),
    netRepetition95: figure.optional(),
    netMeter95: figure.optional(),
  }),
  accuracyPct: figure,
  factors: z.looseObject({
    threads: z.number(),
    spinning: z.boolean(),
    batch: z.number(),
    graphOptimization: z.string().optional(),
  }),
  /** Windows that were measured, and those of them whose power is known. */
  windows: z.looseObject({ measured: z.number(), powered: z.number() }).optional(),
  /** How the meter kept its schedule, at worst over the windows whose power is known; `null` where there are none. */
  sampling: z
    .looseObject({
      /** Readings per second that came. */
      rateHz: z.number(),
      /** 99th percentile of the distance of an interval between readings from their median. */
      jitterP99Ms: z.number(),
      /** Readings that the usual interval foretells and that did not come, in all windows. */
      missing: z.number(),
    })
    .nullable()
    .optional(),
  temperatureC: z.looseObject({ start: figure, end: figure }).optional(),
  /** What the model was made from, as far as edgewatt made it. */
  lineage: lineageSchema.optional(),
  /** How its channel counts fit the device's kernels. */
  channels: channelsSchema.optional(),
  /** The full-rate readings of all windows; `url` is where it was uploaded. */
  trace: z
    .looseObject({ name: z.string(), sha256: z.string(), bytes: z.number(), url: z.string().nullable() })
    .nullable()
    .optional(),
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

/** A ratio of two rows of one device, measured in the same blocks on the same meter, whose gain cancels. */
const ratioSchema = z.looseObject({ value: z.number(), low95: z.number(), high95: z.number() });

const comparisonSchema = z.looseObject({
  device: z.string(),
  /** The row over which the ratio is, and the one under which: `numerator` ÷ `denominator`. */
  numerator: z.looseObject({ run: z.string(), model: z.string(), precision: precisionSchema }),
  denominator: z.looseObject({ run: z.string(), model: z.string(), precision: precisionSchema }),
  /** Blocks in which both were measured. */
  pairs: z.number(),
  latency: ratioSchema.nullable(),
  energyGross: ratioSchema.nullable(),
  energyNet: ratioSchema.nullable(),
});
export type Comparison = z.infer<typeof comparisonSchema>;

/** `results.json`. */
export const resultsSchema = z.looseObject({
  schema: z.literal(RESULTS_SCHEMA),
  created: z.iso.datetime(),
  devices: z.array(resultDeviceSchema),
  method: resultMethodSchema,
  rows: z.array(resultRowSchema),
  comparisons: z.array(comparisonSchema).optional(),
  /** Of the document that `edgewatt study` writes. */
  study: studySchema.optional(),
});
export type Results = z.infer<typeof resultsSchema>;
