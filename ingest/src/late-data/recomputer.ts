import {
  type DatabaseClient,
  DatabaseError,
  DOWNSAMPLED,
  isDownsampled,
  rawPolicyOf,
  readState,
  recompute,
  TouchedTime,
} from "@edgewatt/database";
import type { Clock, Logger } from "@edgewatt/runtime";
import { Complaints } from "../complaints.ts";
import type { LateLedger } from "./ledger.ts";
import type { LateLine } from "./late-lines.ts";

/** A backlog comes in many writes: its means are computed when it has been quiet for this long … */
const QUIET_MS = 20_000;
/** … or when the first late point has waited this long. */
const MAX_WAIT_MS = 120_000;
const CHECK_EVERY_MS = 5_000;

export interface RecomputerOptions {
  /** Opens the database; what it asks ends with the signal. */
  readonly connect: (signal: AbortSignal) => DatabaseClient;
  readonly ledger: LateLedger;
  readonly log: Logger;
  readonly clock: Clock;
}

/**
 * Computes means again that late points belong to, where the database keeps any (`edgewatt database setup`). Without them
 * it does nothing: setting them up computes all that is stored by then.
 */
export class Recomputer {
  readonly #options: RecomputerOptions;
  readonly #client: DatabaseClient;
  readonly #stopping = new AbortController();
  readonly #complaints: Complaints;
  #touched = new TouchedTime();
  #firstUs: number | undefined;
  #lastUs = 0;
  #timer: Disposable;
  #work: Promise<void> | undefined;
  /** Of the last look; unknown before it. */
  #isDownsampled: boolean | undefined;

  constructor(options: RecomputerOptions) {
    this.#options = options;
    this.#client = options.connect(this.#stopping.signal);
    this.#complaints = new Complaints(options.log);
    for (const fromS of options.ledger.hours()) {
      for (const { name } of DOWNSAMPLED) this.#touched.addAll(name, { fromS, toS: fromS + 3_600 });
      this.#firstUs = this.#lastUs = options.clock.monotonicUs();
    }
    this.#timer = options.clock.setInterval(() => this.#check(), CHECK_EVERY_MS);
  }

  /** Before late points are written: resolves when a crash cannot lose that they are late. */
  async announce(late: readonly LateLine[]): Promise<void> {
    if (this.#isDownsampled === false) return;
    try {
      await this.#options.ledger.note(late.map(({ timeS }) => timeS));
    } catch (error) {
      // Means that a crash may cost are less than points that are held.
      this.#complaints.report(
        "ledger",
        `late points are written, and a crash may lose that they are late: ${(error as Error).message}`,
        {},
      );
    }
  }

  /** After they were written. */
  written(late: readonly LateLine[]): void {
    this.#lastUs = this.#options.clock.monotonicUs();
    this.#firstUs ??= this.#lastUs;
    for (const { measurement, timeS } of late) this.#touched.add(measurement, timeS);
  }

  /** What is due then, or under way, is done after the next start. */
  async stop(): Promise<void> {
    this.#timer[Symbol.dispose]();
    this.#stopping.abort();
    await this.#work;
  }

  #check(): void {
    if (this.#work !== undefined || this.#firstUs === undefined) return;
    const nowUs = this.#options.clock.monotonicUs();
    const quiet = nowUs - this.#lastUs >= QUIET_MS * 1000;
    if (!quiet && nowUs - this.#firstUs < MAX_WAIT_MS * 1000) return;
    this.#work = this.#run().finally(() => {
      this.#work = undefined;
    });
  }

  async #run(): Promise<void> {
    const { ledger, log, clock } = this.#options;
    const due = this.#touched;
    this.#touched = new TouchedTime();
    this.#firstUs = undefined;
    ledger.begin();
    try {
      const rawPolicy = await this.#rawPolicy(this.#client);
      if (rawPolicy !== undefined) {
        let means = 0;
        for (const { measurement: name, stretch } of due.stretches()) {
          const measurement = DOWNSAMPLED.find((known) => known.name === name);
          if (measurement !== undefined) means += await recompute(this.#client, { rawPolicy, measurement, stretch });
        }
        log.info({ means }, "computed means again that late points belong to");
      }
      await ledger.done();
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      this.#complaints.report("recompute", `means of late points wait: ${(error as Error).message}`, {});
      for (const { measurement, stretch } of due.stretches()) this.#touched.addAll(measurement, stretch);
      this.#lastUs = clock.monotonicUs();
      this.#firstUs ??= this.#lastUs;
    }
  }

  /** The policy to compute from; `undefined` where no means are kept, or this user may not read. */
  async #rawPolicy(client: DatabaseClient): Promise<string | undefined> {
    this.#isDownsampled = undefined;
    try {
      if (((await client.version()).major ?? 1) === 1) {
        const state = await readState(client);
        this.#isDownsampled = isDownsampled(state);
        return this.#isDownsampled ? rawPolicyOf(state.policies)?.name : undefined;
      }
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.code !== "unauthorized") throw error;
      this.#complaints.report(
        "unauthorized",
        `means of late points are not computed again: ${error.message}; \`edgewatt database setup\` lets its user read`,
        {},
      );
    }
    this.#isDownsampled = false;
    return undefined;
  }
}
