import { z } from "zod";
import { MESSAGE_VERSION } from "./message-version.ts";
import { DEVICE_ID, JOB_ID, SHA256 } from "./names.ts";

export const version = z.literal(MESSAGE_VERSION);
export const deviceId = z.string().regex(DEVICE_ID);
export const jobId = z.string().regex(JOB_ID);
export const sha256 = z.string().regex(SHA256);

/** A moment in integer milliseconds since the Unix epoch. */
export const epochMs = z.number().int().nonnegative();

/** A moment in integer microseconds since the Unix epoch; below 2^53, so exact in a JSON number. */
export const epochUs = z.number().int().nonnegative();

export const count = z.number().int().nonnegative();
