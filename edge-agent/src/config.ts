import { hostname } from "node:os";
import { DEVICE_ID } from "@edgewatt/protocol";
import { commonConfig, listenConfig } from "@edgewatt/runtime";
import { z } from "zod";
import { meterSchema, SOURCE_IDS } from "./sensors/index.ts";

const MB = 1e6;
const METER_NAME = /^[a-z0-9][a-z0-9-]{0,19}$/;
const METER_NAME_HELP = "expected 1 to 20 of a-z, 0-9 and -, not starting with -";

/** A legal device id from this machine's name. */
export function defaultDeviceId(name: string = hostname()): string {
  const id = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, "-")
    .replace(/^-+/, "")
    .slice(0, 40);
  return DEVICE_ID.test(id) ? id : "device";
}

export const configSchema = z.strictObject({
  ...commonConfig,
  ...listenConfig,
  broker: commonConfig.broker.unwrap().default("mqtt://127.0.0.1:1883"),
  device: z
    .string()
    .regex(DEVICE_ID, "expected 2 to 40 of a-z, 0-9 and -, not starting with -")
    .default(defaultDeviceId())
    .describe("id of this device in the fleet"),
  source: z
    .enum(SOURCE_IDS)
    .optional()
    .describe(
      "source of power, of those that are configured or with its default settings; default: see docs/how-to/first-pi.md",
    ),
  meters: z
    .record(z.string().regex(METER_NAME, METER_NAME_HELP), meterSchema)
    .optional()
    .describe("meters to read, by name"),
  channel: z.string().optional().describe("power channel that fills the results table; default: the first"),
  cacheMb: z
    .number()
    .positive()
    .default(2000)
    .describe("room for fetched models, and as much for those that are made here, MB"),
  traceMb: z.number().positive().default(500).describe("room for full-rate readings of measured rows, MB"),
  spoolMb: z.number().positive().default(256).describe("room on disk for telemetry that is not durable yet, MB"),
  telemetryHz: z
    .number()
    .min(1)
    .max(1000)
    .default(10)
    .describe("rows of power in a second outside jobs, up to what the meter can do; 10 while a job runs"),
});
export type AgentConfig = z.output<typeof configSchema>;

export function megabytes(mb: number): number {
  return mb * MB;
}
