import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { requireSystem, TestingError } from "@edgewatt/testing";
import { faultModel, faultTable, runFaults } from "@edgewatt/testing/faults";
import { expect, it } from "vitest";

const { skip } = requireSystem("influxd");
const TRIALS = 20;
/** A few minutes on an idle machine; only a hang reaches it. */
const LIMIT_MS = 1_800_000;

it.skipIf(skip)(
  `${TRIALS} faults at random times under load: nothing lost, nothing twice, every job ends, presence is true`,
  { timeout: LIMIT_MS },
  async () => {
    const seed = Number(process.env["EDGEWATT_FAULT_SEED"] || Math.floor(Math.random() * 1e9));
    const dir = await mkdtemp(path.join(tmpdir(), "edgewatt-faults-"));
    const lines: string[] = [];
    const say = (line: string) => void lines.push(line);
    const common = { seed, dir, say, model: faultModel(), trials: TRIALS, telemetryHz: 100 };
    const { results } = await runFaults({ ...common, broker: "own" });
    const problems = results.flatMap((result) => result.problems);
    if (problems.length > 0) {
      const told = [...lines, faultTable(results), `logs: ${dir}; repeat with EDGEWATT_FAULT_SEED=${seed}`];
      throw new TestingError(told.join("\n"), { code: "faults" });
    }
    expect(results).toHaveLength(TRIALS);
    // A run without load would prove nothing.
    expect(results.reduce((sum, { taken }) => sum + taken, 0)).toBeGreaterThan(TRIALS * 20);
    expect(results.flatMap(({ ends }) => Object.keys(ends))).toContain("succeeded");
    await rm(dir, { recursive: true, force: true });
  },
);
