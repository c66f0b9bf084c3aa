import type { ServiceStatus } from "@edgewatt/protocol";
import { ConfigError, type Clock } from "@edgewatt/runtime";
import { HEARTBEAT_MS, type IngestStatus } from "../status.ts";

/** A broker has sent what it stores within this time after a subscription; where it is slower, the loser ends a little later. */
const SETTLE_MS = 300;

/** A live instance of our name speaks within this time. */
const WAIT_MS = HEARTBEAT_MS + 1_500;

/**
 * Sees to it that one instance has a name: of two that are alive the one that started later ends, with an error that says what
 * to do. What the dead have left on the topic is contradicted.
 */
export class Claim {
  #id: string;
  #status: IngestStatus;
  #clock: Clock;
  /** What the broker had stored in our name when we came. */
  #found: ServiceStatus | undefined;
  #announced = false;
  #gone = new AbortController();
  #lost: ((error: ConfigError) => void) | undefined;
  /** Rejects with ConfigError when an instance that was here before us is alive. */
  readonly lost: Promise<never>;

  constructor(id: string, status: IngestStatus, clock: Clock) {
    this.#id = id;
    this.#status = status;
    this.#clock = clock;
    this.lost = new Promise((_, reject) => {
      this.#lost = reject;
    });
    // It may reject before anybody waits for it.
    this.lost.catch(() => {});
  }

  /** What somebody says on our own topic. */
  observe(said: ServiceStatus, retained: boolean): void {
    if (!this.#status.isOwn(said.epoch) && said.state !== "offline" && !retained) {
      // The newer of the two has the higher epoch, and hears this from the other.
      if (!this.#announced || said.epoch < this.#status.epoch) this.#lost?.(this.#taken(said));
      return;
    }
    if (this.#announced) this.#status.contradict(said);
    else {
      this.#found = said;
      if (said.state === "offline") this.#gone.abort();
    }
  }

  /** Resolves when nobody alive has our name. @throws {ConfigError} */
  async win(signal: AbortSignal): Promise<void> {
    if (this.#found === undefined) await this.#wait(SETTLE_MS, signal);
    // Its will may be lost, or on its way: only a word of its own proves that it lives.
    if (this.#found !== undefined) await this.#wait(WAIT_MS, signal);
    this.#announced = true;
    if (this.#found !== undefined) this.#status.contradict(this.#found);
  }

  /** Until the time has passed, or who had the name is known to be gone. */
  async #wait(ms: number, signal: AbortSignal): Promise<void> {
    const until = AbortSignal.any([signal, this.#gone.signal]);
    await Promise.race([this.lost, this.#clock.sleep(ms, until).catch(() => {})]);
    signal.throwIfAborted();
  }

  #taken({ epoch }: ServiceStatus): ConfigError {
    return new ConfigError([
      `another ingest runs as "${this.#id}" on this broker since ${new Date(epoch).toISOString()}: ` +
        "give each instance a data folder of its own (--data DIR), or a name of its own (--id NAME)",
    ]);
  }
}
