import path from "node:path";
import { z } from "zod";
import { alertConfig } from "./alerts/settings.ts";

const json = z.boolean().default(false).describe("print one JSON document on stdout");
const httpUrl = z.url({ protocol: /^https?$/, message: "expected an address such as http://127.0.0.1:3000" });

export const buildConfig = z.strictObject({
  out: z.string().min(1).default(path.join("reports", "grafana")).describe("folder to write to"),
  ...alertConfig,
  json,
});
export type BuildConfig = z.output<typeof buildConfig>;

export const pushConfig = z.strictObject({
  grafana: httpUrl
    .refine(
      (text) => !URL.canParse(text) || new URL(text).password === "",
      "expected no password in the address: use a token",
    )
    .describe("address of Grafana, with its path where it has one"),
  grafanaToken: z
    .string()
    .min(1)
    .describe("token of a service account, also --token; best in the environment, where no list of processes shows it"),
  overwrite: z
    .boolean()
    .default(false)
    .describe("also replace what somebody has changed in Grafana, or made there under the same uid"),
  datasource: z.boolean().default(false).describe("also create the data source, or bring it up to date"),
  influx: httpUrl.optional().describe("with --datasource: InfluxDB as Grafana reaches it"),
  influxReadUser: z.string().min(1).default("grafana").describe("with --datasource: user that may only read"),
  influxReadPassword: z.string().min(1).optional().describe("with --datasource: its password"),
  alerts: z.boolean().default(true).describe("push the alert rules, and the contact point where one is configured"),
  editableAlerts: z.boolean().default(false).describe("let people change the rules in Grafana"),
  ...alertConfig,
  dryRun: z.boolean().default(false).describe("say what would be done, and change nothing"),
  json,
});
export type PushConfig = z.output<typeof pushConfig>;
