import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "./clock.ts";

interface Timer {
  dueMs: number;
  everyMs: number | undefined;
  fire(): void;
}

/** A clock that moves only when told to; for tests. */
export class ManualClock implements Clock {
  #startUs: number;
  #elapsedMs = 0;
  #timers = new Set<Timer>();

  /** @param startUs what `nowUs()` says before the first `advance` */
  constructor(startUs = 1_700_000_000_000_000) {
    this.#startUs = startUs;
  }

  nowUs(): number {
    return this.#startUs + this.monotonicUs();
  }

  monotonicUs(): number {
    return Math.round(this.#elapsedMs * 1000);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = () => {
        this.#timers.delete(timer);
        reject(signal?.reason);
      };
      const timer: Timer = {
        dueMs: this.#elapsedMs + ms,
        everyMs: undefined,
        fire: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#timers.add(timer);
    });
  }

  setInterval(fn: () => void, ms: number): Disposable {
    const timer: Timer = { dueMs: this.#elapsedMs + ms, everyMs: Math.max(ms, 0.001), fire: fn };
    this.#timers.add(timer);
    return { [Symbol.dispose]: () => void this.#timers.delete(timer) };
  }

  /** Moves time on and fires what falls due, in order; what a timer wakes runs before the next one fires. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#elapsedMs + ms;
    for (;;) {
      const next = this.#nextDue(untilMs);
      if (!next) break;
      this.#elapsedMs = next.dueMs;
      if (next.everyMs === undefined) this.#timers.delete(next);
      else next.dueMs += next.everyMs;
      next.fire();
      await nextTurn();
    }
    this.#elapsedMs = untilMs;
    await nextTurn();
  }

  #nextDue(untilMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs <= untilMs && (!next || timer.dueMs < next.dueMs)) next = timer;
    }
    return next;
  }
}
