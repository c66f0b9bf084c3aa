import { setImmediate as nextTurn } from "node:timers/promises";
import { EdgewattError } from "@edgewatt/protocol";
import type { Reading, Sensor } from "../sensors/sensor.ts";
import { IntervalMeans } from "./intervals.ts";
import type { PowerInterval } from "./messages.ts";
import { TraceRing } from "./ring.ts";

const IDLE_RATE_HZ = 10;
const INTERVAL_US = 100_000;
const POLL_MS = 0.1;
/** A meter that has given nothing for this many periods in a row is closed and opened again. */
const REOPEN_AFTER_FAULTS = 10;
const REOPEN_MS = 1000;
/** How long the ring reaches back at least; a job asks for more when its windows are longer. */
export const KEEP_S = 130;

interface SampledFault {
  readonly tUs: number;
  readonly code: string;
  readonly message: string;
}

export interface SamplingLoop {
  readonly open: () => Promise<Sensor>;
  readonly monotonicUs: () => number;
  readonly onOpened: (sensor: Sensor) => void;
  readonly onClosed: () => void;
  readonly onInterval: (interval: PowerInterval) => void;
  readonly onFault: (fault: SampledFault) => void;
  /** Called between intervals, when messages have been handled. */
  readonly onTurn: (ring: TraceRing) => void;
}

/** What the parent can change while the loop runs. */
export interface SamplingControl {
  full: boolean;
  keepS: number;
  stopped: boolean;
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Blocks this thread, which has nothing else to do: the wake-up is more punctual than a timer's. */
function block(ms: number): void {
  if (ms > 0) Atomics.wait(sleeper, 0, 0, ms);
}

/**
 * Reads a meter for as long as the process lives, on an absolute schedule. Runs synchronously for the length of an
 * interval and then lets messages in. A fault loses readings and never ends the loop.
 */
export async function sample(loop: SamplingLoop, control: SamplingControl): Promise<void> {
  while (!control.stopped) {
    let sensor: Sensor;
    try {
      sensor = await loop.open();
    } catch (error) {
      loop.onFault(describeFault(error, loop.monotonicUs()));
      await pause(REOPEN_MS, control);
      continue;
    }
    using opened = sensor;
    loop.onOpened(opened);
    await sampleSensor(opened, loop, control);
    loop.onClosed();
    if (!control.stopped) await pause(REOPEN_MS, control);
  }
}

/** Returns when stopped, or when the meter should be opened again. */
async function sampleSensor(sensor: Sensor, loop: SamplingLoop, control: SamplingControl): Promise<void> {
  const means = new IntervalMeans(INTERVAL_US, loop.onInterval);
  const reading: Reading = { tUs: 0, watts: 0, volts: 0, amps: 0, joules: 0 };
  let ringS = control.keepS;
  let ring = new TraceRing(Math.ceil(sensor.rateHz * ringS));
  let faults = 0;
  let nextUs = loop.monotonicUs();

  while (!control.stopped) {
    if (control.keepS > ringS) {
      ringS = control.keepS;
      ring = new TraceRing(Math.ceil(sensor.rateHz * ringS));
    }
    const periodUs = 1e6 / (control.full ? sensor.rateHz : Math.min(sensor.rateHz, IDLE_RATE_HZ));
    const yieldUs = loop.monotonicUs() + INTERVAL_US;
    do {
      const nowUs = loop.monotonicUs();
      // Behind by periods: go on with the schedule instead of catching up in a burst.
      nextUs += periodUs * Math.max(1, Math.ceil((nowUs - nextUs) / periodUs));
      block((nextUs - nowUs) / 1000);
      try {
        readWhenReady(sensor, reading, loop.monotonicUs() + periodUs * 2, loop);
        faults = 0;
        ring.push(reading);
        means.add(reading);
      } catch (error) {
        faults += 1;
        means.interrupt();
        loop.onFault(describeFault(error, loop.monotonicUs()));
        if (faults >= REOPEN_AFTER_FAULTS) return;
      }
    } while (nextUs + periodUs < yieldUs);
    await nextTurn();
    loop.onTurn(ring);
  }
}

function readWhenReady(sensor: Sensor, reading: Reading, deadlineUs: number, loop: SamplingLoop): void {
  while (!sensor.read(reading)) {
    if (loop.monotonicUs() > deadlineUs) {
      throw new EdgewattError("the meter's conversion did not end in time: check its supply and the bus", {
        code: "not-ready",
        retryable: true,
      });
    }
    block(POLL_MS);
  }
}

/** Waits with the event loop running, so that messages and the parent's death are seen. */
async function pause(ms: number, control: SamplingControl): Promise<void> {
  for (let left = ms; left > 0 && !control.stopped; left -= 100) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(left, 100)));
  }
}

function describeFault(error: unknown, tUs: number): SampledFault {
  if (error instanceof EdgewattError) return { tUs, code: error.code, message: error.message };
  return { tUs, code: "sensor-error", message: error instanceof Error ? error.message : String(error) };
}
