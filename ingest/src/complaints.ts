import type { Logger } from "@edgewatt/runtime";

/** Keys come from peers, so there may be any number of them. */
const MAX_KEYS = 1000;

/** Logs a recurring fault the first time, then at its 10th, 100th … occurrence, with the count. */
export class Complaints {
  #log: Logger;
  #counts = new Map<string, number>();

  constructor(log: Logger) {
    this.#log = log;
  }

  report(
    key: string,
    message: string,
    context: Readonly<Record<string, unknown>>,
    level: "warn" | "error" = "warn",
  ): void {
    const count = (this.#counts.get(key) ?? 0) + 1;
    if (count === 1 && this.#counts.size >= MAX_KEYS) {
      const [oldest] = this.#counts.keys();
      if (oldest !== undefined) this.#counts.delete(oldest);
    }
    this.#counts.set(key, count);
    if (Number.isInteger(Math.log10(count))) this.#log[level]({ ...context, count }, message);
  }
}
