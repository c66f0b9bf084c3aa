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

/** Blocks this thread, which has nothing else to do: the wake-up is more punctual than a timer's. */
function block(ms: number): void {
  if (ms > 0) Atomics.wait(sleeper, 0, 0, ms);
}

/** The meter that is due first. */
function earliest(meters: readonly SampledMeter[]): SampledMeter | undefined {
  let first: SampledMeter | undefined;
  for (const meter of meters) {
    if (meter.isOpen && (first === undefined || meter.dueUs < first.dueUs)) first = meter;
  }
  return first;
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
    const endUs = monotonicUs() + TURN_US;
    for (;;) {
      const meter = earliest(meters);
      const nowUs = monotonicUs();
      if (meter === undefined || meter.dueUs >= endUs) {
        block((endUs - nowUs) / 1000);
        break;
      }
      block((meter.dueUs - nowUs) / 1000);
      meter.turn();
    }
    await nextTurn();
    onTurn();
  }
  for (const meter of meters) meter.close();
}
