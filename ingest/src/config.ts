import { commonConfig, DISK_RESERVE_MB } from "@edgewatt/runtime";
import { z } from "zod";

export const ingestConfig = z.strictObject({
  ...commonConfig,
  broker: commonConfig.broker.unwrap().describe("address of the MQTT broker"),
  influx: z
    .url({ protocol: /^https?$/, message: "expected an address such as http://127.0.0.1:8086" })
    .optional()
    .describe("address of InfluxDB; without it telemetry goes to line-protocol files in the data folder"),
  influxUser: z.string().optional().describe("user of InfluxDB with the right to write"),
  influxPassword: z.string().optional().describe("its password; better in the environment than on the command line"),
  diskReserveMb: z
    .number()
    .min(0)
    .default(DISK_RESERVE_MB / 2)
    .describe(
      "telemetry is held by the agents while the disk of the data folder has less free, MB; for files, and for an InfluxDB on this machine",
    ),
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, "expected lower-case letters, digits and dashes")
    .default("ingest-1")
    .describe("name of this instance, unique on the broker"),
});
export type IngestConfig = z.output<typeof ingestConfig>;
