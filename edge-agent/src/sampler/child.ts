import { openLinuxBus } from "../i2c/linux.ts";
import { monotonicUs } from "../process/monotonic.ts";
import { driverOf } from "../sensors/index.ts";
import { channelsOf } from "../sensors/meters.ts";
import type { SampledFault } from "./fault.ts";
import { sample } from "./loop.ts";
import { IntervalColumns } from "./interval-columns.ts";
import type { FromSampler, SamplerStart, ToSampler } from "./messages.ts";
import { IDLE_RATE_HZ, JOB_MEANS_HZ } from "./rates.ts";
import { TraceRing } from "./ring.ts";
import { SampledMeter } from "./sampled-meter.ts";

/** How long raw readings are kept at least; a job asks for more when its windows are longer. */
const KEEP_S = 130;
/** How long a request for a trace waits for the reading after its end. */
const TRACE_WAIT_US = 2_000_000;
/** A standing fault is told no more often: often enough that no window misses one that falls into it. */
const FAULT_EVERY_US = 100_000;

const start = JSON.parse(process.argv[2] ?? "{}") as SamplerStart;
const control = { stopped: false };
const requests: (Extract<ToSampler, { type: "trace" }> & { askedUs: number })[] = [];
const intervals = new Map<string, IntervalColumns>();
let meansHz = JOB_MEANS_HZ;
const rings = new Map<string, { meter: SampledMeter; index: number }>();
const host = { openI2cBus: openLinuxBus, root: start.root, monotonicUs };

function tell(message: FromSampler): void {
  process.send?.(message);
}

/** Tells a fault when it is new, and then ten times a second. */
function faultTeller(meter: string): (fault: SampledFault | undefined) => void {
  let toldUs = -Infinity;
  let toldCode = "";
  return (fault) => {
    if (fault === undefined) {
      toldCode = "";
      return;
    }
    if (fault.code === toldCode && fault.tUs - toldUs < FAULT_EVERY_US) return;
    toldCode = fault.code;
    toldUs = fault.tUs;
    tell({ type: "fault", meter, ...fault });
  };
}

const meters = start.meters.map((meter) => {
  const channels = channelsOf(meter);
  const columns = channels.map(() => new IntervalColumns());
  for (const [index, { channel }] of channels.entries())
    intervals.set(channel, columns[index] ?? new IntervalColumns());
  const tellFault = faultTeller(meter.name);
  const sampled = new SampledMeter(
    () => driverOf(meter.source).open(meter.config, host),
    {
      onOpened({ rateHz, accumulates, channels: opened }) {
        tellFault(undefined);
        tell({ type: "opened", meter: meter.name, rateHz, accumulates, channels: opened });
      },
      onInterval(index, interval) {
        columns[index]?.push(interval);
        // A row of a window is told before the window has ended, as far as that can be.
        if (meansHz <= JOB_MEANS_HZ) tellIntervals();
      },
      onFault: tellFault,
    },
    monotonicUs,
  );
  sampled.setRate(IDLE_RATE_HZ, KEEP_S, JOB_MEANS_HZ);
  for (const [index, { channel }] of channels.entries()) rings.set(channel, { meter: sampled, index });
  return sampled;
});

/** Answers what can be answered; without a meter the answer is that there is nothing. */
function answerTraces(): void {
  const nowUs = monotonicUs();
  for (const request of requests.splice(0)) {
    const { id, channel, fromUs, toUs, askedUs } = request;
    const found = rings.get(channel);
    const ring = found?.meter.ring(found.index);
    if (ring !== undefined && ring.newestUs < toUs && nowUs - askedUs < TRACE_WAIT_US) {
      requests.push(request);
      continue;
    }
    const { tUs, watts, joules } = (ring ?? new TraceRing(0)).slice(fromUs, toUs);
    tell({ type: "trace", id, tUs, watts, joules: found?.meter.accumulates === true ? joules : null });
  }
}

/** At high rates one message for each turn of the loop, however many intervals there are in a second. */
function tellIntervals(): void {
  for (const [channel, columns] of intervals) {
    if (!columns.isEmpty) tell({ type: "intervals", channel, block: columns.take() });
  }
}

process.on("message", (message: ToSampler) => {
  if (message.type === "rate") {
    meansHz = message.meansHz;
    for (const meter of meters) meter.setRate(message.rate, Math.max(message.keepS, KEEP_S), meansHz);
  } else {
    requests.push({ ...message, askedUs: monotonicUs() });
  }
});
process.on("disconnect", () => {
  control.stopped = true;
});

function onTurn(): void {
  tellIntervals();
  answerTraces();
}

await sample({ meters, monotonicUs, onTurn }, control);
