import type { ServiceStatus } from "@edgewatt/protocol";
import type { Clock } from "@edgewatt/runtime";

/** An instance that has said nothing for so long is dead, stopped or cut off, whatever it said last. */
export const STALE_MS = 15_000;

interface Known {
  readonly epoch: number;
  readonly state: ServiceStatus["state"];
  /** On our monotonic clock. */
  readonly heardUs: number;
}

/** The other ingest instances, by what they say of themselves. A loss of their word makes us do their work too, which is harmless. */
export class Instances {
  #clock: Clock;
  #known = new Map<string, Known>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Notes what an instance says. What an earlier run of it says, a late will above all, is ignored.
   * @param status `undefined` for a topic that was cleared
   * @param retained whether the broker had stored it: then it is as old as it says
   */
  observe(id: string, status: ServiceStatus | undefined, retained: boolean): void {
    if (status === undefined) {
      this.#known.delete(id);
      return;
    }
    const before = this.#known.get(id);
    if (before !== undefined && before.epoch > status.epoch) return;
    const ageMs = retained ? Math.max(0, this.#clock.nowUs() / 1000 - status.ts) : 0;
    const heardUs = this.#clock.monotonicUs() - ageMs * 1000;
    this.#known.set(id, { epoch: status.epoch, state: status.state, heardUs });
  }

  /** Those that do their work or hold batches until they can. */
  live(): string[] {
    const sinceUs = this.#clock.monotonicUs() - STALE_MS * 1000;
    return [...this.#known]
      .filter(([, { state, heardUs }]) => state !== "offline" && heardUs > sinceUs)
      .map(([id]) => id);
  }
}
