import { z } from "zod";

/** How much later a change of the processor's load shows in the measured power. */
export const lagSchema = z.looseObject({
  ms: z.number(),
  /** 95 % confidence half-width over the steps (Student's t). */
  halfWidth95Ms: z.number(),
  steps: z.number(),
});
export type Lag = z.infer<typeof lagSchema>;

/** What reading the meter at full rate costs: idle power and latency at that rate against those at a slow one. */
export const observerEffectSchema = z.looseObject({
  fastHz: z.number(),
  slowHz: z.number(),
  fastW: z.number(),
  slowW: z.number(),
  deltaW: z.number(),
  halfWidth95W: z.number(),
  /** Mean time of an image in short runs of the model that is named. */
  latency: z
    .looseObject({
      model: z.string(),
      precision: z.string(),
      threads: z.number(),
      fastMs: z.number(),
      slowMs: z.number(),
      deltaMs: z.number(),
      halfWidth95Ms: z.number(),
    })
    .optional(),
  /** What limits it, such as that an estimate sees processor time alone. */
  note: z.string().optional(),
});
export type ObserverEffect = z.infer<typeof observerEffectSchema>;
