import { z } from "zod";
import { LOG_LEVELS } from "./logger.ts";

const BROKERS = /^(mqtts?|wss?):\/\/[^/,\s][^,\s]*(,\s*(mqtts?|wss?):\/\/[^/,\s][^,\s]*)*$/;

/** Configuration fields that several services share; each takes the ones that apply into its own schema. */
export const commonConfig = {
  data: z.string().min(1).default(".edgewatt").describe("folder that holds everything this service writes"),
  broker: z
    .string()
    .regex(BROKERS, "expected an address such as mqtt://127.0.0.1:1883, or several of one cluster separated by commas")
    .optional()
    .describe("address of the MQTT broker, or several of one cluster separated by commas"),
  keepaliveS: z
    .number()
    .int()
    .min(1)
    .max(65_535)
    .default(60)
    .describe(
      "how often the connection to the broker shows that it lives, s; one that is silent half as long again is given up",
    ),
  logLevel: z.enum(LOG_LEVELS).default("info").describe("least severe log line that is written"),
  json: z.boolean().default(false).describe("print one JSON document on stdout when ready"),
};

/** A TCP port to listen on, 0 for a free one. */
export const portNumber = z.number().int().min(0).max(65_535);

/** Fields of a service that listens, and every one does that is asked for metrics; `listenAddress` judges them. */
export const listenConfig = {
  listen: z.string().min(1).default("127.0.0.1").describe("address to listen on"),
  insecure: z.boolean().default(false).describe("allow --listen beyond loopback although nothing authenticates"),
  metricsPort: portNumber
    .optional()
    .describe("TCP port that answers GET /metrics and GET /health, 0 for a free one (off unless given)"),
};
