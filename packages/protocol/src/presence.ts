import { z } from "zod";
import { OPERATIONS } from "./names.ts";
import { pipelineFiguresSchema } from "./pipeline.ts";
import { POWER_SOURCES } from "./power-sources.ts";
import { channelBlockSchema } from "./channels.ts";
import { count, epochMs, version } from "./schemas.ts";

/** `edgewatt/v1/{d}/status`, retained, and the agent's will. */
export const deviceStatusSchema = z.looseObject({
  v: version,
  state: z.enum(["online", "offline"]),
  /** How often the agent has started, a counter on its disk. */
  boot: count,
  /** How often it has connected in this boot. An `offline` older than the newest (boot, conn) is stale. */
  conn: count,
  ts: epochMs,
  /** Why the state is what it is: `connected`, `shutdown`, `connection lost`. */
  cause: z.string().max(200).optional(),
  /** While this moment is ahead, silence is a measured window and not a fault. */
  measuringUntil: epochMs.optional(),
  /** Names the run of the agent, another one at each start: two of them under one device id are told apart by it. */
  instance: z.string().max(64).optional(),
});
export type DeviceStatus = z.infer<typeof deviceStatusSchema>;

export const powerSourceSchema = z.enum(POWER_SOURCES);

/** One power channel of a device. */
const powerChannelSchema = z.looseObject({
  channel: z.string().min(1).max(40),
  source: powerSourceSchema,
  /** The rate of raw samples in a job, Hz. */
  rateHz: z.number().positive(),
  /** What is needed to repeat the measurement: address, shunt, range; of a model its parameters and where they come from. */
  settings: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  /** Why the channel gives no figures now, if it does not. */
  fault: z.string().optional(),
});
export type PowerChannel = z.infer<typeof powerChannelSchema>;

const deviceFaultSchema = z.looseObject({ code: z.string(), message: z.string() });
export type DeviceFault = z.infer<typeof deviceFaultSchema>;

/** `edgewatt/v1/{d}/info`, retained. */
export const deviceInfoSchema = z.looseObject({
  v: version,
  ts: epochMs,
  boot: count,
  versions: z.looseObject({ edgewatt: z.string(), node: z.string(), onnxruntime: z.string() }),
  hardware: z.looseObject({
    board: z.string(),
    cpu: z.string(),
    cores: z.number().int().positive(),
    memoryMb: z.number().positive(),
    arch: z.string(),
    os: z.string(),
    governor: z.string().nullable(),
    /** Names this boot of this machine and its file system; equal on two processes that see the same files. */
    hostId: z.string(),
    /** How many channels ONNX Runtime's kernels take at once on this processor; other counts are slower. */
    channelBlock: channelBlockSchema.optional(),
  }),
  operations: z.array(z.enum(OPERATIONS)),
  limits: z.looseObject({ queuedJobs: count, commandBytes: count }),
  /** Which processors the sampler and runners are bound to, in words. */
  affinity: z.string().optional(),
  power: z.array(powerChannelSchema),
  clock: z.looseObject({ synchronized: z.boolean() }),
  /**
   * What keeps the agent from its work, as long as it does: its `journal` or `spool` cannot be written, an `operation` does not end.
   * The message says what to do.
   */
  faults: z.array(deviceFaultSchema).optional(),
});
export type DeviceInfo = z.infer<typeof deviceInfoSchema>;

/** `edgewatt/v1/_svc/{name}/{id}`, retained, and the service's will. */
export const serviceStatusSchema = z.looseObject({
  v: version,
  state: z.enum(["online", "holding", "offline"]),
  ts: epochMs,
  /** When this run of the service began; a will of an earlier run is stale. */
  epoch: epochMs,
  reason: z.string().max(500).optional(),
  /** Where a hub serves HTTP. */
  url: z.url().optional(),
  /** What has gone through an ingest. */
  pipeline: pipelineFiguresSchema.optional(),
});
export type ServiceStatus = z.infer<typeof serviceStatusSchema>;
