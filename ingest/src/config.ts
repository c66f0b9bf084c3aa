import { INSTANCE_ID } from "@edgewatt/protocol";
import { commonConfig, DISK_RESERVE_MB, listenConfig } from "@edgewatt/runtime";
import { z } from "zod";

export const ingestConfig = z.strictObject({
  ...commonConfig,
  ...listenConfig,
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
      "telemetry is held by the agents while the disk of the data folder has less free, MB: for files, dead letters, and an InfluxDB on this machine",
    ),
  id: z
    .string()
    .regex(INSTANCE_ID, "expected lower-case letters, digits and dashes")
    .optional()
    .describe("name of this instance, unique on the broker; without it one that the data folder keeps"),
});
export type IngestConfig = z.output<typeof ingestConfig>;
