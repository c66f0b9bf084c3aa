// Serves the sampler benchmark: runs the agent's sampling loop on the simulated bus and prints as JSON by how many bytes the heap
// grows per reading at full rate, beyond what the same time at 10 Hz costs (a row of telemetry every tenth of a second), and how
// often the clock was asked for each.
import process from "node:process";
import { openLinuxBus } from "../../edge-agent/dist/i2c/linux.js";
import { monotonicUs } from "../../edge-agent/dist/process/monotonic.js";
import { sample } from "../../edge-agent/dist/sampler/loop.js";
import { SampledMeter } from "../../edge-agent/dist/sampler/sampled-meter.js";
import { driverOf } from "../../edge-agent/dist/sensors/index.js";

const { meters, root } = JSON.parse(process.argv[2]);
const [{ source, config }] = meters;
const control = { stopped: false };
let readings = 0;
let clockReadings = 0;
const clock = () => {
  clockReadings += 1;
  return monotonicUs();
};
const host = { openI2cBus: openLinuxBus, root, monotonicUs: clock };
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
const meter = new SampledMeter(open, events, clock);
const TURNS = 80;
const SETTLE = 60;
let turn = 0;
const phases = ["full", 10];
const growth = [];
let start;
meter.setRate("full", 60, 10);
await sample(
  {
    meters: [meter],
    monotonicUs: clock,
    onTurn() {
      turn += 1;
      if (turn === SETTLE) {
        globalThis.gc();
        start = { bytes: process.memoryUsage().heapUsed, readings, clockReadings };
      }
      if (turn < SETTLE + TURNS) return;
      growth.push({
        bytes: process.memoryUsage().heapUsed - start.bytes,
        readings: readings - start.readings,
        clockReadings: clockReadings - start.clockReadings,
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
const more = (key) => full[key] - slow[key];
const perReading = (key) => more(key) / more("readings");
process.stdout.write(JSON.stringify({ bytes: perReading("bytes"), clockReadings: perReading("clockReadings") }));
