// npm run test:faults, npm run soak [-- --minutes 60 --trials 200 --from 1 --broker own]: faults under load against real processes.
import { spawnSync } from "node:child_process";
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

/** In a mount namespace of its own a run may give agents disks that can be full; root alone can make one. */
function inOwnNamespace() {
  if (process.getuid?.() !== 0 || process.env["EDGEWATT_FAULT_DISKS"] !== undefined) return undefined;
  if (spawnSync("unshare", ["--mount", "true"]).status !== 0) return undefined;
  const env = { ...process.env, EDGEWATT_FAULT_DISKS: "1" };
  const args = ["--mount", process.execPath, ...process.argv.slice(1)];
  return spawnSync("unshare", args, { stdio: "inherit", env });
}

const say = (line) => process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);

function runs(seed) {
  const common = { seed, say, model: faultModel(), from: Number(values.from), telemetryHz: 100 };
  if (values.soak) {
    const soak = { minutes: Number(values.minutes), pauseMs: 30_000, telemetryHz: 1000 };
    return [{ ...common, ...soak, broker: values.broker ?? "own" }];
  }
  const trials = Number(values.trials ?? 200);
  if (values.broker !== undefined) return [{ ...common, trials, broker: values.broker }];
  // A quarter of the trials with Mosquitto in place of our broker.
  const own = trials - Math.ceil(trials / 4);
  return [
    { ...common, trials: own, broker: "own" },
    { ...common, trials: trials - own, broker: "mosquitto", from: common.from + own },
  ];
}

async function main() {
  const seed = Number(process.env["EDGEWATT_FAULT_SEED"] || Math.floor(Math.random() * 1e9));
  const dir = mkdtempSync(path.join(tmpdir(), "edgewatt-faults-"));
  const results = [];
  for (const run of runs(seed)) {
    say(`seed ${seed}, broker ${run.broker}, telemetry ${run.telemetryHz} Hz, in ${dir}`);
    const { results: some, memory } = await runFaults({ ...run, dir: path.join(dir, run.broker) });
    results.push(...some);
    if (values.soak) process.stdout.write(`${memoryTable(memory)}\n\n`);
  }
  const failed = results.filter(({ problems }) => problems.length > 0);
  process.stdout.write(`${faultTable(results)}\n`);
  process.stdout.write(`faults: ${results.length - failed.length} passed, ${failed.length} failed (seed ${seed})\n`);
  if (failed.length === 0) return rmSync(dir, { recursive: true, force: true });
  process.exitCode = 1;
  process.stdout.write(`logs and data: ${dir}; repeat with EDGEWATT_FAULT_SEED=${seed} npm run test:faults\n`);
}

const other = inOwnNamespace();
if (other === undefined) await main();
else process.exitCode = other.status ?? 1;
