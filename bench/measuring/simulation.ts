import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSimulatedBus } from "@edgewatt/testing";

const ADDRESS = 0x40;
/** What the agent's configuration fills in where nothing is said. */
const SETTINGS = { shuntOhm: 0.1, shuntTolerance: 0.01, maxA: 3.2, busRangeV: 16, resolutionBits: 12, averaging: 1 };

/** A simulated INA219 for processes that are started with `env`. */
export interface Simulation {
  readonly folder: string;
  readonly bus: number;
  readonly address: number;
  readonly env: NodeJS.ProcessEnv;
  /** What the agent's sampler child is started with to read it as channel `main`. */
  readonly sampler: object;
}

/** Runs something on a simulated bus (needs gcc), which sleeps the time that the wire would take. */
export async function inSimulation<T>(run: (simulation: Simulation) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "edgewatt-bench-measuring-"));
  try {
    const amps = { kind: "square", lowA: 0.5, highA: 0.9, periodS: 0.02 } as const;
    const chips = [{ type: "ina219", address: ADDRESS, channels: [{ volts: 5, amps }] }] as const;
    const { bus, env } = await createSimulatedBus(folder, { chips });
    const config = { bus, address: ADDRESS, ...SETTINGS };
    const sampler = { meters: [{ name: "main", source: "ina219", config }], root: "" };
    return await run({ folder, bus, address: ADDRESS, env, sampler });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
