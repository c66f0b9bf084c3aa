import { z } from "zod";
import { deviceId, epochMs, version } from "./schemas.ts";

/** `edgewatt/v1/_enroll/{claim}/req`: a device asks for its own credentials with a single-use claim. */
export const enrollRequestSchema = z.looseObject({ v: version, ts: epochMs, device: deviceId });
export type EnrollRequest = z.infer<typeof enrollRequestSchema>;

/** `edgewatt/v1/_enroll/{claim}/res`. */
export const enrollResponseSchema = z.looseObject({
  v: version,
  ts: epochMs,
  device: deviceId,
  granted: z.boolean(),
  reason: z.string().optional(),
});
export type EnrollResponse = z.infer<typeof enrollResponseSchema>;
