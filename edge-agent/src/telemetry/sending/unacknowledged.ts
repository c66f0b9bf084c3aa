import type { Clock } from "@edgewatt/runtime";
import { batchKey, type BatchName } from "../spool/spool.ts";

/** How long an acknowledgement is waited for. */
const RESEND_US = 30_000_000;

interface Entry {
  readonly batch: BatchName;
  readonly sentUs: number;
  readonly lane: "live" | "backlog";
}

/** Batches that were sent and not acknowledged, in the order in which they were sent. */
export class Unacknowledged {
  readonly #clock: Pick<Clock, "monotonicUs">;
  readonly #entries = new Map<string, Entry>();
  #backlog = 0;

  constructor(clock: Pick<Clock, "monotonicUs">) {
    this.#clock = clock;
  }

  /** How many of them come from the backlog. */
  get backlog(): number {
    return this.#backlog;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  add(batch: BatchName, lane: Entry["lane"]): void {
    const key = batchKey(batch);
    this.delete(key);
    this.#entries.set(key, { batch, lane, sentUs: this.#clock.monotonicUs() });
    if (lane === "backlog") this.#backlog += 1;
  }

  delete(key: string): void {
    if (this.#entries.get(key)?.lane === "backlog") this.#backlog -= 1;
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
    this.#backlog = 0;
  }

  /** The one that waits longest, when that is too long. */
  overdue(): BatchName | undefined {
    const first = this.#entries.values().next();
    if (first.done === true) return undefined;
    const { batch, sentUs } = first.value;
    return this.#clock.monotonicUs() - sentUs >= RESEND_US ? batch : undefined;
  }
}
