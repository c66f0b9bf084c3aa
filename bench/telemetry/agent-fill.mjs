// Serves the benchmark of the agent's telemetry: puts an outage's rows through the agent's own telemetry into a spool on disk, as fast
// as that goes, and prints as JSON what that took of memory and processor.
import process from "node:process";
import { createLogger, systemClock } from "@edgewatt/runtime";
import { DiskSpool } from "../../edge-agent/dist/telemetry/spool/disk-spool.js";
import { Telemetry } from "../../edge-agent/dist/telemetry/telemetry.js";
import { WaitingDrafts } from "../../edge-agent/dist/telemetry/waiting/waiting-drafts.js";
import { WaitingLog } from "../../edge-agent/dist/telemetry/waiting/waiting-log.js";

const { dir, boot, seconds, hz } = JSON.parse(process.argv[2]);
const BLOCKS_PER_S = 10;
/** Resident memory wanders by a tenth with what the allocator holds back, so ten looks are taken early and ten at the end. */
const LOOK_EVERY_S = 60;
const LOOKS = 10;
/** V8 has compiled what it needs by then. */
const SETTLE_S = 300;

const log = createLogger({ name: "fill", level: "warn" });
let elapsedS = 0;
// The rows end where the clock is now. Timers never fire: batches are closed below.
const startUs = systemClock.nowUs() - seconds * 1e6;
const clock = {
  monotonicUs: () => Math.round(elapsedS * 1e6),
  nowUs: () => startUs + Math.round(elapsedS * 1e6),
  sleep: () => Promise.reject(new RangeError("nobody sleeps here")),
  setInterval: () => ({ [Symbol.dispose]: () => {} }),
};
const spool = await DiskSpool.open({ dir, capBytes: 1e9, clock, log });
const waitingLog = await WaitingLog.open({ file: `${dir}/waiting.log`, kernelBoot: "bench", log });
const telemetry = new Telemetry({
  boot,
  spool,
  sender: { kick: () => {}, offer: () => {} },
  waiting: new WaitingDrafts({ waitingLog, clock, log }),
  clock,
  log,
  clockSynchronized: () => true,
});

/** Resident memory, 10^6 bytes, without what the collector has left lying. */
function residentMb() {
  globalThis.gc();
  return process.memoryUsage().rss / 1e6;
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

const rows = hz / BLOCKS_PER_S;
const early = [];
const late = [];
const started = process.cpuUsage();
for (let block = 0; block < seconds * BLOCKS_PER_S; block++) {
  const column = (of) => Float64Array.from({ length: rows }, (_, i) => of(block * rows + i));
  telemetry.recordBlock("power", "main", {
    tUs: column((i) => ((i + 1) / hz) * 1e6),
    columns: {
      w: column((i) => 3 + Math.sin(i / 97) * Math.cos(i / 13)),
      wMin: column((i) => 2.9 + Math.sin(i / 97) * Math.cos(i / 13)),
      wMax: column((i) => 3.1 + Math.sin(i / 97) * Math.cos(i / 13)),
      v: column((i) => 5.1 + 0.01 * Math.sin(i / 31)),
      a: column((i) => 0.6 + 0.2 * Math.sin(i / 97)),
      source: "ina219",
      run: null,
    },
  });
  elapsedS = (block + 1) / BLOCKS_PER_S;
  if (elapsedS % 1 === 0)
    telemetry.record("system", "system", clock.monotonicUs(), { cpuPct: block % 100, memMb: 400 });
  // A batch is closed every half second.
  if ((block + 1) % (BLOCKS_PER_S / 2) === 0) await telemetry.settle();
  if (elapsedS % LOOK_EVERY_S !== 0 || elapsedS <= SETTLE_S) continue;
  if (early.length < LOOKS) early.push(residentMb());
  else if (elapsedS > seconds - LOOKS * LOOK_EVERY_S) late.push(residentMb());
}
await telemetry.stop();
const { user, system } = process.cpuUsage(started);
const facts = {
  settledMb: median(early),
  filledMb: median(late),
  batches: spool.batches,
  spoolMb: spool.bytes / 1e6,
  cpuPct: ((user + system) / 1e6 / seconds) * 100,
};
await spool.close();
process.stdout.write(JSON.stringify(facts));
