import { monotonicUs } from "../process/monotonic.ts";
import { openLinuxBus } from "../i2c/linux.ts";
import { SENSORS } from "../sensors/index.ts";
import type { Sensor, SensorDriver } from "../sensors/sensor.ts";
import { KEEP_S, sample, type SamplingControl } from "./loop.ts";
import type { FromSampler, SamplerStart, ToSampler } from "./messages.ts";
import { TraceRing } from "./ring.ts";

/** How long a request for a trace waits for the reading after its end. */
const TRACE_WAIT_US = 2_000_000;
/** A standing fault is repeated no more often. */
const FAULT_EVERY_US = 1_000_000;

const start = JSON.parse(process.argv[2] ?? "{}") as SamplerStart;
const control: SamplingControl = { full: false, keepS: KEEP_S, stopped: false };
const requests: (Extract<ToSampler, { type: "trace" }> & { askedUs: number })[] = [];
let sensor: Sensor | undefined;
let faultUs = -Infinity;
let faultCode = "";

function tell(message: FromSampler): void {
  process.send?.(message);
}

/** Without a meter there is no ring, and the answer is that there is nothing. */
function answer(ring: TraceRing | undefined): void {
  const nowUs = monotonicUs();
  for (const request of requests.splice(0)) {
    const { id, fromUs, toUs, askedUs } = request;
    if (ring !== undefined && ring.newestUs < toUs && nowUs - askedUs < TRACE_WAIT_US) {
      requests.push(request);
      continue;
    }
    const { tUs, watts, joules } = (ring ?? new TraceRing(0)).slice(fromUs, toUs);
    tell({ type: "trace", id, tUs, watts, joules: sensor?.accumulates === true ? joules : null });
  }
}

process.on("message", (message: ToSampler) => {
  if (message.type === "rate") {
    control.full = message.full;
    control.keepS = Math.max(message.keepS, KEEP_S);
  } else {
    requests.push({ ...message, askedUs: monotonicUs() });
    if (sensor === undefined) answer(undefined);
  }
});
process.on("disconnect", () => {
  control.stopped = true;
});

const driver: SensorDriver = SENSORS[start.source];
const host = { openI2cBus: openLinuxBus, root: start.root, monotonicUs };

await sample(
  {
    open: () => driver.open(start.config, host),
    monotonicUs,
    onOpened(opened) {
      sensor = opened;
      faultCode = "";
      tell({ type: "opened", settings: opened.settings, rateHz: opened.rateHz, accumulates: opened.accumulates });
    },
    onClosed() {
      answer(undefined);
      sensor = undefined;
    },
    onInterval: (interval) => tell({ type: "interval", interval }),
    onFault(fault) {
      if (fault.code === faultCode && fault.tUs - faultUs < FAULT_EVERY_US) return;
      faultCode = fault.code;
      faultUs = fault.tUs;
      tell({ type: "fault", ...fault });
    },
    onTurn: answer,
  },
  control,
);
