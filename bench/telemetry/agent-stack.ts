import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSimulatedBus, spawnService, startBroker, startInfluxd, type SpawnedService } from "@edgewatt/testing";
import { ROOT } from "../paths.ts";

export const DEVICE = "bench-pi";
const ADDRESS = 0x40;
/** Of the simulated INA219: more than the thousand readings a second that telemetry wants. */
const RESOLUTION_BITS = 11;

/** The services as a user runs them, and an agent that reads a simulated INA219. */
export interface AgentStack {
  readonly folder: string;
  readonly broker: string;
  /** Where the agent keeps what it has not delivered. */
  readonly home: string;
  /** What the agent's sampler child is started with, and its environment. */
  readonly sampler: { readonly start: object; readonly env: NodeJS.ProcessEnv };
  startAgent(telemetryHz: number): Promise<SpawnedService>;
}

/** Runs something with our broker, our ingest and a real InfluxDB; needs gcc and influxd. */
export async function withAgentStack<T>(run: (stack: AgentStack) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "edgewatt-bench-telemetry-"));
  const stops: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true, maxRetries: 3 })];
  try {
    const amps = { kind: "square", lowA: 0.5, highA: 0.9, periodS: 0.02 } as const;
    const chips = [{ type: "ina219", address: ADDRESS, channels: [{ volts: 5, amps }] }] as const;
    const { bus, env } = await createSimulatedBus(join(folder, "bus"), { chips });
    const meter = { source: "ina219", bus, address: ADDRESS, resolutionBits: RESOLUTION_BITS };
    const config = join(folder, "agent.yaml");
    await writeFile(config, JSON.stringify({ agent: { meters: { main: meter } } }));
    const database = await startInfluxd();
    stops.push(() => database.stop());
    const broker = await startBroker();
    stops.push(() => broker.stop());
    const ingest = await spawnService(join(ROOT, "ingest/bin/edgewatt-ingest.js"), [
      "--broker",
      broker.url,
      "--influx",
      database.url,
      "--data",
      join(folder, "ingest"),
      "--log-level",
      "warn",
    ]);
    stops.push(() => ingest.stop());
    return await run({
      folder,
      broker: broker.url,
      home: join(folder, `agent-${DEVICE}`),
      sampler: {
        start: { meters: [{ name: "main", source: "ina219", config: { ...meter, source: undefined } }], root: "" },
        env,
      },
      async startAgent(telemetryHz) {
        const agent = await spawnService(
          join(ROOT, "edge-agent/bin/edgewatt-agent.js"),
          [
            "--broker",
            broker.url,
            "--device",
            DEVICE,
            "--data",
            folder,
            "--config",
            config,
            "--log-level",
            "warn",
            "--telemetry-hz",
            String(telemetryHz),
            "--spool-mb",
            "1000",
          ],
          { env: { ...process.env, ...env } },
        );
        stops.push(() => agent.stop());
        return agent;
      },
    });
  } finally {
    for (const stop of stops.toReversed()) await stop();
  }
}
