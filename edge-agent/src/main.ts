import { runService } from "@edgewatt/runtime";
import { startAgent } from "./agent.ts";
import { configSchema } from "./config.ts";

await runService({
  name: "agent",
  summary: "measures models and power on this device, on command of an MQTT broker",
  schema: configSchema,
  start: startAgent,
  // Telemetry may take 10 s to be acknowledged, children and the broker a little more.
  stopTimeoutMs: 20_000,
});
