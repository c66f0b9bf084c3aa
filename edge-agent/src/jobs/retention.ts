import type { Logger } from "@edgewatt/runtime";
import type { CommandAddress } from "./admission.ts";
import type { JobLedger } from "./ledger.ts";

/** Ended jobs that a device keeps whole, in its journal and at the broker. */
export const KEPT_JOBS = 100;

/** Makes the broker forget a job's command and state. Rejects when there is no connection. */
export type TakeBack = (address: CommandAddress) => Promise<void>;

/**
 * Keeps journal and broker from growing for ever. The broker forgets a job first and the device then, so that a crash in between does it
 * again; what a hub has recorded stays there.
 */
export class JobRetention {
  readonly #ledger: JobLedger;
  readonly #takeBack: TakeBack;
  readonly #log: Logger;
  #working: Promise<void> | undefined;

  constructor(ledger: JobLedger, takeBack: TakeBack, log: Logger) {
    this.#ledger = ledger;
    this.#takeBack = takeBack;
    this.#log = log;
  }

  /** Forgets the oldest of too many ended jobs; what fails is done at the next call. */
  prune(): void {
    this.#working ??= this.#prune()
      .catch((error: unknown) => this.#log.debug({ reason: String(error) }, "ended jobs are forgotten later"))
      .finally(() => (this.#working = undefined));
  }

  /** The broker keeps a command that was carried out long ago. */
  answerForgotten(address: CommandAddress): void {
    this.#log.debug({ job: address.job }, "took back the command of a job that ended long ago");
    this.#takeBack(address).catch(() => {});
  }

  async settled(): Promise<void> {
    await this.#working;
  }

  async #prune(): Promise<void> {
    // Others end meanwhile, and their calls find this one at work.
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      await this.#takeBack(next);
      await this.#ledger.forget(next.job);
    }
  }

  #next(): CommandAddress | undefined {
    return this.#ledger.superfluous(KEPT_JOBS)[0]?.state;
  }
}
