import { z } from "zod";
import { DEVICE_ID, JOB_ID, SHA256 } from "./names.ts";

/** The version of every payload of this package. Readers refuse any other. */
export const MESSAGE_VERSION = 1;

export const version = z.literal(MESSAGE_VERSION);
export const deviceId = z.string().regex(DEVICE_ID);
export const jobId = z.string().regex(JOB_ID);
export const sha256 = z.string().regex(SHA256);

/** A moment in integer milliseconds since the Unix epoch. */
export const epochMs = z.number().int().nonnegative();

/** A moment in integer microseconds since the Unix epoch; below 2^53, so exact in a JSON number. */
export const epochUs = z.number().int().nonnegative();

export const count = z.number().int().nonnegative();
