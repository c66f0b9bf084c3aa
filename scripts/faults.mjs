// npm run test:faults, npm run soak [-- --minutes 60 --trials 200 --from 1 --broker own]: faults under load against real processes.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { faultModel, faultTable, memoryTable, runFaults } from "@edgewatt/testing/faults";

const { values } = parseArgs({
  options: {
    soak: { type: "boolean", default: false },
    trials: { type: "string" },
    from: { type: "string", default: "1" },
    minutes: { type: "string", default: "60" },
    broker: { type: "string" },
  },
});

const seed = Number(process.env["EDGEWATT_FAULT_SEED"] || Math.floor(Math.random() * 1e9));
const dir = mkdtempSync(path.join(tmpdir(), "edgewatt-faults-"));
const say = (line) => process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);

/** A quarter of the trials with Mosquitto in place of our broker. */
function runs() {
  const common = { seed, say, model: faultModel(), from: Number(values.from) };
  if (values.soak) {
    const soak = { ...common, minutes: Number(values.minutes), pauseMs: 30_000, telemetryHz: 100 };
    return [{ ...soak, broker: values.broker ?? "own" }];
  }
  const trials = Number(values.trials ?? 200);
  if (values.broker !== undefined) return [{ ...common, trials, telemetryHz: 100, broker: values.broker }];
  const withMosquitto = Math.ceil(trials / 4);
  return [
    { ...common, trials: trials - withMosquitto, telemetryHz: 100, broker: "own" },
    {
      ...common,
      trials: withMosquitto,
      telemetryHz: 100,
      broker: "mosquitto",
      from: common.from + trials - withMosquitto,
    },
  ];
}

const results = [];
for (const run of runs()) {
  say(`seed ${seed}, broker ${run.broker}, telemetry ${run.telemetryHz} Hz, in ${dir}`);
  const { results: some, memory } = await runFaults({ ...run, dir: path.join(dir, run.broker) });
  results.push(...some);
  if (values.soak) process.stdout.write(`${memoryTable(memory)}\n\n`);
}
const failed = results.filter(({ problems }) => problems.length > 0);
process.stdout.write(`${faultTable(results)}\n`);
process.stdout.write(`faults: ${results.length - failed.length} passed, ${failed.length} failed (seed ${seed})\n`);
if (failed.length > 0) {
  process.exitCode = 1;
  process.stdout.write(`logs and data: ${dir}; repeat with EDGEWATT_FAULT_SEED=${seed} npm run test:faults\n`);
} else rmSync(dir, { recursive: true, force: true });
