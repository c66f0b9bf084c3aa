import { openLinuxBus } from "../i2c/linux.ts";
import { driverOf } from "../sensors/index.ts";
import { channelsOf } from "../sensors/meters.ts";
import { sampledMonotonicUs as monotonicUs } from "./clock.ts";
import type { SampledFault } from "./fault.ts";
import { inlineSamplingLoop } from "./inlining.ts";
import { sample } from "./loop.ts";
import type { FromSampler, SamplerStart, ToSampler } from "./messages.ts";
import { IDLE_RATE_HZ } from "./rates.ts";
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
  const tellFault = faultTeller(meter.name, undefined);
  const tellChannelFault = channels.map(({ channel }) => faultTeller(meter.name, channel));
  const sampled = new SampledMeter(
    () => driverOf(meter.source).open(meter.config, host),
    {
      onOpened({ rateHz, accumulates, channels: opened }) {
        tell({ type: "opened", meter: meter.name, rateHz, accumulates, channels: opened });
      },
      onInterval: (index, interval) =>
        tell({ type: "interval", channel: channels[index]?.channel ?? meter.name, interval }),
      onFault: (fault, index) => (index === undefined ? tellFault : tellChannelFault[index])?.(fault),
    },
    monotonicUs,
  );
  sampled.setRate(IDLE_RATE_HZ, KEEP_S);
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

process.on("message", (message: ToSampler) => {
  if (message.type === "rate") {
    for (const meter of meters) meter.setRate(message.rate, Math.max(message.keepS, KEEP_S));
  } else {
    requests.push({ ...message, askedUs: monotonicUs() });
  }
});
process.on("disconnect", () => {
  control.stopped = true;
});

inlineSamplingLoop();
await sample({ meters, monotonicUs, onTurn: answerTraces }, control);
