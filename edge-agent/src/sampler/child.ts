import { openLinuxBus } from "../i2c/linux.ts";
import { driverOf } from "../sensors/index.ts";
import { channelsOf } from "../sensors/meters.ts";
import { sampledMonotonicUs as monotonicUs } from "./clock.ts";
import type { SampledFault } from "./fault.ts";
import { inlineSamplingLoop } from "./inlining.ts";
import { sample } from "./loop.ts";
import { IntervalColumns } from "./interval-columns.ts";
import type { FromSampler, SamplerStart, ToSampler } from "./messages.ts";
import { IDLE_RATE_HZ, JOB_MEANS_HZ } from "./rates.ts";
import { ReadingWatch } from "./reading-report.ts";
import { TraceRing } from "./ring.ts";
import { SampledMeter } from "./sampled-meter.ts";

/** How long raw readings are kept at least; a job asks for more when its windows are longer. */
const KEEP_S = 130;
/**
 * How long a request for a trace waits for the reading after its end, at least and in periods of its meter: a reading is of the middle of a
 * conversion, so the first one after a moment is there up to one and a half conversions later.
 */
const TRACE_WAIT_US = 2_000_000;
const TRACE_WAIT_PERIODS = 2;
/** A standing fault is told no more often: often enough that no window misses one that falls into it. */
const FAULT_EVERY_US = 100_000;
const REPORT_EVERY_US = 1_000_000;

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

/**
 * Tells a fault when it is new, and then ten times a second.
 * @param channel `undefined`: faults of all channels of the meter
 */
function faultTeller(meter: string, channel: string | undefined): (fault: SampledFault) => void {
  let toldUs = -Infinity;
  let toldCode = "";
  return (fault) => {
    if (fault.code === toldCode && fault.tUs - toldUs < FAULT_EVERY_US) return;
    toldCode = fault.code;
    toldUs = fault.tUs;
    tell({ type: "fault", meter, channel, ...fault });
  };
}

const meters = start.meters.map((meter) => {
  const channels = channelsOf(meter);
  const columns = channels.map(() => new IntervalColumns());
  for (const [index, { channel }] of channels.entries())
    intervals.set(channel, columns[index] ?? new IntervalColumns());
  const tellFault = faultTeller(meter.name, undefined);
  const tellChannelFault = channels.map(({ channel }) => faultTeller(meter.name, channel));
  const sampled = new SampledMeter(
    () => driverOf(meter.source).open(meter.config, host),
    {
      onOpened({ rateHz, accumulates, channels: opened }) {
        tell({ type: "opened", meter: meter.name, rateHz, accumulates, channels: opened });
      },
      onInterval(index, interval) {
        columns[index]?.push(interval);
        // A row of a window is told before the window has ended, as far as that can be.
        if (meansHz <= JOB_MEANS_HZ) tellIntervals();
      },
      onFault: (fault, index) => (index === undefined ? tellFault : tellChannelFault[index])?.(fault),
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
    const waitUs = Math.max(TRACE_WAIT_US, TRACE_WAIT_PERIODS * (found?.meter.periodUs ?? 0));
    if (ring !== undefined && ring.newestUs < toUs && nowUs - askedUs < waitUs) {
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

const watches = new Map([...rings.keys()].map((channel) => [channel, new ReadingWatch()]));
let reportedUs = -Infinity;

/** Tells how each channel's readings came since it was told before. */
function reportReadings(): void {
  reportedUs = monotonicUs();
  for (const [channel, { meter, index }] of rings) {
    const ring = meter.ring(index);
    const report = ring && watches.get(channel)?.report(ring, meter.periodUs);
    if (report !== undefined) tell({ type: "readings", channel, report });
  }
}

process.on("message", (message: ToSampler) => {
  if (message.type === "rate") {
    // By the schedule that they were read by, and before a larger ring takes their place.
    reportReadings();
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
  if (monotonicUs() - reportedUs >= REPORT_EVERY_US) reportReadings();
}

inlineSamplingLoop();
await sample({ meters, monotonicUs, onTurn }, control);
