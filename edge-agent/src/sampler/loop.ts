import { setImmediate as nextTurn } from "node:timers/promises";
import type { SampledMeter } from "./sampled-meter.ts";

/** How long the loop runs before messages are let in. */
const TURN_US = 100_000;

export interface SamplingLoop {
  readonly meters: readonly SampledMeter[];
  readonly monotonicUs: () => number;
  /** Called between turns, when messages have been handled. */
  readonly onTurn: () => void;
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));
const STEP_US = 10;
/**
 * Times to wait, ms. A fraction that is computed would be an object on the heap each time it is handed to `Atomics.wait`; these
 * are there already (the text keeps V8 from storing the numbers bare, of which it would make objects again).
 */
const WAITS_MS: readonly (number | string)[] = [
  "none",
  ...Array.from({ length: TURN_US / STEP_US }, (_, i) => ((i + 1) * STEP_US) / 1000),
];

/** Blocks this thread, which has nothing else to do, for up to a turn: the wake-up is more punctual than a timer's. */
function block(us: number): void {
  const steps = Math.min(Math.floor(us / STEP_US), WAITS_MS.length - 1);
  if (steps > 0) Atomics.wait(sleeper, 0, 0, WAITS_MS[steps] as number);
}

/** The meter that is due first. */
function earliest(meters: readonly SampledMeter[]): SampledMeter | undefined {
  let first: SampledMeter | undefined;
  for (const meter of meters) {
    if (meter.isOpen && (first === undefined || meter.dueUs < first.dueUs)) first = meter;
  }
  return first;
}

/** Reads what is due until a turn is over; synchronous, and a function of its own so that V8 compiles it as a whole. */
function runTurn(meters: readonly SampledMeter[], monotonicUs: () => number): void {
  const endUs = monotonicUs() + TURN_US;
  for (;;) {
    const meter = earliest(meters);
    const nowUs = monotonicUs();
    if (meter === undefined || meter.dueUs >= endUs) {
      block(endUs - nowUs);
      return;
    }
    block(meter.dueUs - nowUs);
    meter.turn();
  }
}

/**
 * Reads all meters for as long as the process lives, each on its own schedule. Runs synchronously for the length of a turn and
 * then lets messages in.
 */
export async function sample(loop: SamplingLoop, control: { readonly stopped: boolean }): Promise<void> {
  const { meters, monotonicUs, onTurn } = loop;
  while (!control.stopped) {
    for (const meter of meters) {
      if (!meter.isOpen && monotonicUs() >= meter.dueUs) await meter.open();
    }
    runTurn(meters, monotonicUs);
    await nextTurn();
    onTurn();
  }
  for (const meter of meters) meter.close();
}
