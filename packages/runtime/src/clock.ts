import { setTimeout as sleepTimer } from "node:timers/promises";

/** Time, injected so that tests can own it. */
export interface Clock {
  /** Integer µs since the Unix epoch; follows steps of the system clock. */
  nowUs(): number;
  /** Integer µs of CLOCK_MONOTONIC: comparable across processes of one boot, never steps. */
  monotonicUs(): number;
  /** Rejects with the reason of `signal` when that aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `fn` every `ms` milliseconds until disposed. */
  setInterval(fn: () => void, ms: number): Disposable;
}

function monotonicUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** `Date.now()` has only milliseconds; the monotonic clock fills in the µs and is pulled back whenever they disagree. */
function createWallClock(): () => number {
  let offsetUs = Date.now() * 1000 - monotonicUs();
  return () => {
    const floorUs = Date.now() * 1000;
    const monoUs = monotonicUs();
    const clampedUs = Math.min(Math.max(monoUs + offsetUs, floorUs), floorUs + 999);
    offsetUs = clampedUs - monoUs;
    return clampedUs;
  };
}

export const systemClock: Clock = {
  nowUs: createWallClock(),
  monotonicUs,
  async sleep(ms, signal) {
    signal?.throwIfAborted();
    try {
      await sleepTimer(ms, undefined, signal ? { signal } : {});
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
  setInterval(fn, ms) {
    const timer = setInterval(fn, ms);
    return { [Symbol.dispose]: () => clearInterval(timer) };
  },
};
