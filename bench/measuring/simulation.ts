import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFakeIna219 } from "@edgewatt/testing";

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
    const chip = await createFakeIna219(folder, { volts: 5, high: 0.9, low: 0.5, period: 0.02 });
    const config = { bus: chip.bus, address: chip.address, shuntOhm: 0.1, maxA: 3.2, busRangeV: 16 };
    const sampler = { meters: [{ name: "main", source: "ina219", config }], root: "" };
    return await run({ folder, bus: chip.bus, address: chip.address, env: chip.env, sampler });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
