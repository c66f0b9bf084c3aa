import type { JobJournal, JobRecord } from "../../src/jobs/journal.ts";

/** A journal whose process may be killed: from then on nothing reaches the disk, and nobody learns how a write went. */
export class CrashingJournal {
  readonly #real: JobJournal;
  readonly died: Promise<void>;
  #die: () => void = () => {};
  #dead = false;
  #crash: { writes: number; before: boolean } | undefined;
  readonly #writing = new Set<Promise<void>>();
  started = 0;

  constructor(real: JobJournal) {
    this.#real = real;
    this.died = new Promise((resolve) => (this.#die = resolve));
  }

  get isDead(): boolean {
    return this.#dead;
  }

  get inFlight(): number {
    return this.#writing.size;
  }

  dieAt({ writes, before }: { readonly writes: number; readonly before: boolean }): void {
    this.#crash = { writes, before };
  }

  /** Resolves when no write of the dead process is under way any more. */
  async kill(): Promise<void> {
    this.#dead = true;
    this.#die();
    await Promise.allSettled(this.#writing);
  }

  isForgotten(job: string): boolean {
    return this.#real.isForgotten(job);
  }

  write(record: JobRecord): Promise<void> {
    return this.#unlessDead(() => this.#real.write(record));
  }

  forget(job: string): Promise<void> {
    return this.#unlessDead(() => this.#real.forget(job));
  }

  async #unlessDead(work: () => Promise<void>): Promise<void> {
    this.started += 1;
    const isLast = this.#crash !== undefined && --this.#crash.writes <= 0;
    if (isLast && this.#crash?.before === true) this.#dead = true;
    if (!this.#dead) {
      const writing = work();
      this.#writing.add(writing);
      try {
        await writing;
      } finally {
        this.#writing.delete(writing);
      }
      if (isLast) this.#dead = true;
    }
    if (!this.#dead) return;
    this.#die();
    await new Promise(() => {});
  }
}
