import { z } from "zod";
import { artifactSchema, modelArtifactSchema } from "./artifact.ts";
import { calibrationSchema, fullResultSchema, quantizeOptionsSchema, quantizeRecipeSchema, uploadUrl } from "./jobs.ts";
import { powerSourceSchema } from "./presence.ts";
import { count } from "./schemas.ts";

const figure = z.number().nullable();

/** The part of how a model becomes int8 that a comparison of its layers obeys. */
export const sensitivityRecipeSchema = quantizeRecipeSchema.pick({
  format: true,
  perTensor: true,
  reduceRange: true,
  method: true,
  percentile: true,
});
export type SensitivityRecipe = z.infer<typeof sensitivityRecipeSchema>;

export const sensitivityOptionsSchema = z.looseObject({
  images: quantizeOptionsSchema.shape.images,
  ...sensitivityRecipeSchema.shape,
  /** Images on which noise and accuracy are measured: of the evaluation set, else those that follow the calibration images. */
  evaluationImages: z.number().int().min(1).max(1_000_000).default(1000),
  /** Intra-op threads of ONNX Runtime while time is measured; default: all cores but the sampler's. */
  threads: z.number().int().min(1).max(256).optional(),
  /** Windows in which the energy of an inference is measured; 0: none, and the energies stay blank. */
  windows: z.number().int().min(0).max(20).default(3),
  windowS: z.number().positive().max(600).optional(),
  idleS: z.number().min(0).max(600).optional(),
});
export type SensitivityOptions = z.infer<typeof sensitivityOptionsSchema>;

export const sensitivityArgsSchema = z.looseObject({
  model: modelArtifactSchema,
  calibration: calibrationSchema,
  /** A labelled set to measure on in place of images that follow the calibration images. */
  evaluation: artifactSchema.optional(),
  options: sensitivityOptionsSchema,
  upload: uploadUrl,
});
export type SensitivityArgs = z.infer<typeof sensitivityArgsSchema>;

const timeSchema = z.looseObject({ otherPct: z.number(), totalMs: z.number(), runs: count });

/** What the quantizer's `measureSensitivity` finds. */
export const sensitivityReportSchema = z.looseObject({
  format: z.enum(["u8s8", "s8s8"]),
  params: count,
  /** Multiply-accumulates of all layers for one image. */
  macs: z.number(),
  layers: z.array(
    z.looseObject({
      index: count,
      name: z.string(),
      op: z.string(),
      params: count,
      weightsPct: z.number(),
      macs: z.number(),
      macsPct: z.number(),
      timePct: z.number(),
      floatTimePct: z.number(),
      sqnrDb: figure,
      agreement: figure,
      accuracyDropPt: figure,
      reason: z.string().nullable(),
    }),
  ),
  time: z.looseObject({ int8: timeSchema, float: timeSchema, threads: count, batch: count }),
  calibration: z.looseObject({ kind: z.string(), images: count }),
  evaluation: z.looseObject({ kind: z.string(), images: count, heldBack: z.boolean(), accuracyPct: figure }),
  wallS: z.number(),
  peakMemoryMb: z.number(),
});
export type SensitivityReport = z.infer<typeof sensitivityReportSchema>;

/** Energy of an inference of the whole model, and how it was measured. */
const modelEnergySchema = z.looseObject({
  /** All energy of the measured windows ÷ images in them. */
  grossMj: z.number(),
  grossHalfWidth95: figure,
  windows: count,
  windowS: z.number(),
  run: z.string(),
});
export type ModelEnergy = z.infer<typeof modelEnergySchema>;

export const LAYERS_SCHEMA = "edgewatt.layers/1";

/** Importance of each layer of a model relative to the others: `layers.json`. */
export const layersSchema = z.looseObject({
  schema: z.literal(LAYERS_SCHEMA),
  created: z.iso.datetime(),
  /** `null`: the machine that the command ran on, without an agent. */
  device: z.string().nullable(),
  model: z.string(),
  format: z.enum(["u8s8", "s8s8"]),
  /** Of the float model after batch norms were folded. */
  params: count,
  macs: z.number(),
  /** `timePct` and what follows from it are of the int8 model, `float…` of the float model. */
  layers: z.array(
    sensitivityReportSchema.shape.layers.element.extend({
      /** Share of the energy of an inference, apportioned by time: the layer's share of time where the energy is known. */
      energyPct: figure,
      energyMj: figure,
      floatEnergyMj: figure,
    }),
  ),
  time: sensitivityReportSchema.shape.time,
  /** Of the whole model; `null` where it was not measured, which the flags explain. */
  energy: z.looseObject({
    source: powerSourceSchema.nullable(),
    int8: modelEnergySchema.nullable(),
    float: modelEnergySchema.nullable(),
  }),
  calibration: sensitivityReportSchema.shape.calibration,
  evaluation: sensitivityReportSchema.shape.evaluation,
  /** What to know before using the figures, each `code: detail`. */
  flags: z.array(z.string()),
  wallS: z.number(),
  peakMemoryMb: z.number(),
});
export type Layers = z.infer<typeof layersSchema>;

/** Result of a `sensitivity` job. */
export const sensitivityResultSchema = layersSchema.extend({ full: fullResultSchema });
export type SensitivityResult = z.infer<typeof sensitivityResultSchema>;

/** What a report becomes a document with. */
export interface LayersOrigin {
  readonly created: string;
  readonly device: string | null;
  readonly model: string;
  readonly energy: Layers["energy"];
  /** What is known beyond the report: why an energy is blank, what is wrong with it. */
  readonly flags: readonly string[];
}

/** Apportions the energies to the layers by their time, and says what a reader must know. */
export function layersDocument(report: SensitivityReport, origin: LayersOrigin): Layers {
  const { created, device, model, energy, flags } = origin;
  const { format, params, macs, time, calibration, evaluation, wallS, peakMemoryMb } = report;
  return {
    schema: LAYERS_SCHEMA,
    created,
    device,
    model,
    format,
    params,
    macs,
    layers: report.layers.map((layer) => ({
      ...layer,
      energyPct: energy.int8 === null ? null : layer.timePct,
      energyMj: apportion(energy.int8, layer.timePct),
      floatEnergyMj: apportion(energy.float, layer.floatTimePct),
    })),
    time,
    energy,
    calibration,
    evaluation,
    flags: [...flags, ...reportFlags(report)],
    wallS,
    peakMemoryMb,
  };
}

function apportion(energy: ModelEnergy | null, timePct: number): number | null {
  return energy === null ? null : (energy.grossMj * timePct) / 100;
}

function reportFlags({ calibration, evaluation, layers }: SensitivityReport): string[] {
  const flags: string[] = [];
  if (calibration.kind === "synthetic") flags.push("calibration: synthetic images");
  if (evaluation.kind === "synthetic") flags.push("evaluation: synthetic images");
  if (!evaluation.heldBack) flags.push("evaluation: on images that calibration has seen too");
  if (evaluation.accuracyPct === null) flags.push("accuracy: the images have no labels");
  for (const { name, reason } of layers) if (reason !== null) flags.push(`float: ${name} is not quantized: ${reason}`);
  return flags;
}
