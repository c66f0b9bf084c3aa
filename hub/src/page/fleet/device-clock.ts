/** What network and broker may take, and clocks of a fleet may differ by, before a stamp is not believed. */
const PLAUSIBLE_MS = 5000;
/** A wrong clock stays wrong by the same for so long; messages that were only held up come faster than they were stamped. */
const CONFIRM_MS = 2000;
const STEADY_MS = 1000;

/**
 * By how much a device's clock differs from this one, learned from messages that are sent as soon as they are stamped. Small differences
 * are left alone, since they are what the way takes.
 */
export class DeviceClock {
  #offsetMs = 0;
  #candidate: { readonly sinceMs: number; leastMs: number } | undefined;

  /** What to add to the device's stamps to have them on this clock, ms; 0 while they are plausible. */
  get offsetMs(): number {
    return this.#offsetMs;
  }

  /**
   * Takes the stamp of a live message.
   * @returns whether it fits what is known: `false` for one whose place in time is not known, `moved` when the difference is another from
   *   now on, so that earlier stamps mean nothing any more
   */
  hear(stampMs: number, arrivalMs: number): boolean | "moved" {
    const delayMs = arrivalMs - stampMs;
    const known = Math.abs(delayMs) <= PLAUSIBLE_MS ? 0 : this.#offsetMs;
    if (Math.abs(delayMs - known) <= PLAUSIBLE_MS) {
      this.#candidate = undefined;
      return this.#moveTo(known);
    }
    const candidate = this.#candidate;
    if (candidate === undefined || Math.abs(delayMs - candidate.leastMs) > STEADY_MS) {
      this.#candidate = { sinceMs: arrivalMs, leastMs: delayMs };
      return false;
    }
    candidate.leastMs = Math.min(candidate.leastMs, delayMs);
    if (arrivalMs - candidate.sinceMs < CONFIRM_MS) return false;
    this.#candidate = undefined;
    return this.#moveTo(candidate.leastMs);
  }

  #moveTo(offsetMs: number): true | "moved" {
    if (offsetMs === this.#offsetMs) return true;
    this.#offsetMs = offsetMs;
    return "moved";
  }
}
