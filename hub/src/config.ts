import { commonConfig, DISK_RESERVE_MB, listenConfig, portNumber } from "@edgewatt/runtime";
import { z } from "zod";

const megabytes = z.number().int().positive();

export const hubConfig = z.strictObject({
  ...commonConfig,
  ...listenConfig,
  broker: commonConfig.broker.unwrap().describe("address of the MQTT broker"),
  httpPort: portNumber.default(8080).describe("port of the live page, artifacts and API; 0 takes a free one"),
  publicUrl: z
    .url({ protocol: /^https?$/, message: "expected an address such as http://hub.local:8080" })
    .optional()
    .describe("address under which devices reach this hub; default: the address that it listens on"),
  hostNames: z
    .array(z.string().min(1))
    .default([])
    .describe("public names under which browsers reach this hub, besides that of --public-url"),
  datasets: z
    .string()
    .min(1)
    .optional()
    .describe("folder that holds data sets, each in a folder of its own; they are looked for in DATA/datasets too"),
  maxArtifactMb: megabytes.default(2048).describe("largest artifact that is taken, MB"),
  maxStoreMb: megabytes.default(20_480).describe("how much all artifacts may take on disk, MB"),
  maxRuns: z
    .number()
    .int()
    .positive()
    .default(1000)
    .describe("runs that are remembered; the oldest that has ended goes first"),
  maxRunDays: z
    .number()
    .min(0)
    .default(0)
    .describe("how long a run that has ended is remembered, days; 0 for as long as there is room"),
  diskReserveMb: z
    .number()
    .min(0)
    .default(DISK_RESERVE_MB)
    .describe("room on the disk that uploads leave free for the journal, MB"),
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, "expected lower-case letters, digits and dashes")
    .default("hub-1")
    .describe("name of this instance, unique on the broker"),
});
