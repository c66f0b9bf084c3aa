import { z } from "zod";
import { count } from "./schemas.ts";

/**
 * Telemetry on its way, as a service tells of itself: an agent in channel `pipeline` of `live/system`, an ingest under `pipeline` of
 * its retained `_svc`. Counts are since the service started. Keys are the columns of measurement `pipeline`, and more.
 */
export const pipelineFiguresSchema = z.looseObject({
  /** Points handed to the spool by an agent, made durable by an ingest. */
  points: count.optional(),
  /** Batches handed to the spool by an agent, made durable by an ingest. */
  batches: count.optional(),
  /** Batches of an agent that were acknowledged; acknowledgements that an ingest sent. */
  acks: count.optional(),
  /** Batches of an agent that wait to become durable, the room that they take and have, and the age of the oldest. */
  spoolBatches: count.optional(),
  spoolBytes: count.optional(),
  spoolCapBytes: count.optional(),
  spoolAgeS: z.number().nonnegative().optional(),
  /** Points that an agent gave up for lack of room. */
  dropped: count.optional(),
  /** Points and batches that an ingest put into dead-letter files. */
  deadLetters: count.optional(),
  /** Batches in the memory of an ingest; those of an agent that wait for a synchronized clock. */
  queue: count.optional(),
});
export type PipelineFigures = z.infer<typeof pipelineFiguresSchema>;
