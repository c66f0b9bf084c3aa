// Serves the sampler benchmark: runs the agent's sampling loop on the simulated bus and prints as JSON by how many bytes the heap
// grows per reading at full rate, beyond what the same time at 10 Hz costs (a row of telemetry every tenth of a second).
import process from "node:process";
import { getHeapSpaceStatistics } from "node:v8";
import { openLinuxBus } from "../../edge-agent/dist/i2c/linux.js";
import { sampledMonotonicUs as monotonicUs } from "../../edge-agent/dist/sampler/clock.js";
import { inlineSamplingLoop } from "../../edge-agent/dist/sampler/inlining.js";
import { sample } from "../../edge-agent/dist/sampler/loop.js";
import { SampledMeter } from "../../edge-agent/dist/sampler/sampled-meter.js";
import { driverOf } from "../../edge-agent/dist/sensors/index.js";

const { meters, root } = JSON.parse(process.argv[2]);
const [{ source, config }] = meters;
const control = { stopped: false };
let readings = 0;
const host = { openI2cBus: openLinuxBus, root, monotonicUs };
const open = async () => {
  const sensor = await driverOf(source).open(config, host);
  const read = (into) => {
    const ready = sensor.read(into);
    if (ready) readings += 1;
    return ready;
  };
  return { ...sensor, read };
};
const events = {
  onOpened: () => {},
  onInterval: () => {},
  onFault: (fault) => process.stderr.write(`${fault.message}\n`),
};
const meter = new SampledMeter(open, events, monotonicUs);
const TURNS = 150;
// V8 takes its time to compile a loop that sleeps most of it: half a minute with the newest.
const SETTLE = 300;
/** Of the young generation, where numbers are made; compiled code and what V8 knows of functions are elsewhere. */
const youngBytes = () => getHeapSpaceStatistics().find(({ space_name: name }) => name === "new_space").space_used_size;
let turn = 0;
const phases = ["full", 10];
const growth = [];
let start;
meter.setRate("full", 60, 10);
inlineSamplingLoop();
await sample(
  {
    meters: [meter],
    monotonicUs,
    onTurn() {
      turn += 1;
      if (turn === SETTLE) {
        globalThis.gc();
        start = { bytes: youngBytes(), readings };
      }
      if (turn < SETTLE + TURNS) return;
      growth.push({
        bytes: youngBytes() - start.bytes,
        readings: readings - start.readings,
      });
      turn = 0;
      const next = phases[growth.length];
      if (next === undefined) control.stopped = true;
      else meter.setRate(next, 60, 10);
    },
  },
  control,
);
const [full, slow] = growth;
process.stdout.write(JSON.stringify({ bytes: (full.bytes - slow.bytes) / (full.readings - slow.readings) }));
