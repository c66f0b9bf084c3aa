import { z } from "zod";
import { count, epochUs, jobId, version } from "./schemas.ts";

/** No batch is larger than this when encoded. */
export const MAX_TELEMETRY_BYTES = 64 * 1024;

const cell = z.union([z.number(), z.string(), z.boolean(), z.null()]);
const column = z.union([z.array(cell), z.number(), z.string(), z.boolean()]);
export type Column = z.infer<typeof column>;

/**
 * The rows of one channel, column by column: row i was taken at `t0 + dt[i]` µs. A column is an array of `dt.length`
 * cells, or one value that holds for all rows. Names of columns are those of the metrics catalogue.
 */
const channelSchema = z
  .object({ t0: epochUs, dt: z.array(z.number().int().nonnegative()).min(1) })
  .catchall(column)
  .superRefine((channel, context) => {
    for (let i = 1; i < channel.dt.length; i++) {
      if ((channel.dt[i] ?? 0) <= (channel.dt[i - 1] ?? 0)) {
        context.addIssue({ code: "custom", path: ["dt", i], message: "dt must strictly increase" });
        break;
      }
    }
    for (const [name, values] of Object.entries(channel)) {
      if (name !== "dt" && Array.isArray(values) && values.length !== channel.dt.length) {
        context.addIssue({ code: "custom", path: [name], message: "a column is as long as dt" });
      }
    }
  });
export type Channel = z.infer<typeof channelSchema>;

/**
 * `edgewatt/v1/{d}/tele/{stream}`: one batch. In stream `power` a key of `ch` is the name of a power channel; in the
 * others it is the name of a measurement, or that name, a slash and anything that keeps two sets of constants apart.
 */
export const telemetryBatchSchema = z.looseObject({
  v: version,
  boot: count,
  /** Counts per device, boot and stream, without gaps. */
  seq: count,
  /** Whether the clock was synchronized when the rows were stamped. */
  sync: z.boolean(),
  job: jobId.optional(),
  ch: z.record(z.string().min(1).max(200), channelSchema),
});
export type TelemetryBatch = z.infer<typeof telemetryBatchSchema>;

/** `edgewatt/v1/{d}/live/{stream}`, QoS 0: the newest value of each column, never stored. */
export const liveSampleSchema = z.looseObject({
  v: version,
  boot: count,
  ch: z.record(z.string(), z.object({ t: epochUs }).catchall(cell)),
});
export type LiveSample = z.infer<typeof liveSampleSchema>;

/** `edgewatt/v1/{d}/ack/{stream}`: these batches are durable; ranges are inclusive. */
export const ackSchema = z.looseObject({
  v: version,
  boot: count,
  ranges: z.array(z.tuple([count, count]).refine(([first, last]) => first <= last, "a range is [first, last]")).min(1),
});
export type Ack = z.infer<typeof ackSchema>;
