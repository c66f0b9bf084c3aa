import { hostname } from "node:os";
import { DEVICE_ID, type PowerSource } from "@edgewatt/protocol";
import { commonConfig } from "@edgewatt/runtime";
import { z } from "zod";
import { SENSORS, SOURCE_IDS, type SourceId } from "./sensors/index.ts";

const MB = 1e6;

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
  broker: commonConfig.broker.unwrap().default("mqtt://127.0.0.1:1883"),
  device: z
    .string()
    .regex(DEVICE_ID, "expected 2 to 40 of a-z, 0-9 and -, not starting with -")
    .default(defaultDeviceId())
    .describe("id of this device in the fleet"),
  source: z.enum(SOURCE_IDS).optional().describe("meter to read; default: a configured chip, else estimate"),
  ina219: SENSORS.ina219.config.optional().describe("settings of the INA219"),
  estimate: SENSORS.estimate.config.optional().describe("parameters of the estimate"),
  cacheMb: z.number().positive().default(2000).describe("room for fetched and quantized models, MB"),
  spoolMb: z.number().positive().default(32).describe("room for telemetry that is not durable yet, MB"),
});
export type AgentConfig = z.output<typeof configSchema>;

/** The source to read and its settings with defaults filled in: what is named, else what is configured, else the estimate. */
export function chooseSource(config: AgentConfig): { id: SourceId & PowerSource; config: unknown } {
  const id = config.source ?? SOURCE_IDS.find((candidate) => config[candidate] !== undefined) ?? "estimate";
  return { id, config: SENSORS[id].config.parse(config[id] ?? {}) };
}

export function megabytes(mb: number): number {
  return mb * MB;
}
