import { isTerminal, type Command, type JobState } from "@edgewatt/protocol";
import { JobError } from "../errors.ts";
import { placeholderCommand, readCommand, rejectionOf, type CommandAddress } from "./admission.ts";
import { JobSlot, type JobSlotOptions } from "./job-slot.ts";
import type { JobRecord } from "./journal.ts";
import { JobLedger, type LedgerOptions } from "./ledger.ts";
import { cancellationOf, reasonOf } from "./outcome.ts";
import { JobRetention, type TakeBack } from "./retention.ts";

/** How long a stop waits for the broker to confirm the last states. */
const CONFIRM_MS = 2000;

export interface JobsOptions extends LedgerOptions, JobSlotOptions {
  /** Jobs of which the journal only knows that they were there. */
  readonly damaged: ReadonlySet<string>;
  /** States that the broker keeps of jobs of this device, where its journal may have been lost. */
  readonly remembered: readonly JobState[];
  readonly takeBack: TakeBack;
  readonly clockSynchronized: () => boolean;
}

/**
 * The device's jobs: one runs, up to eight wait, in order. A job id that was seen before is answered with its stored state
 * and never runs twice.
 */
export class Jobs {
  readonly #options: JobsOptions;
  readonly #ledger: JobLedger;
  readonly #retention: JobRetention;
  readonly #slot: JobSlot;
  /** Messages that wait for their turn: the broker sends a retained one again at every connect. */
  readonly #queued = new Set<string>();
  #lane: Promise<void> = Promise.resolve();
  #stopping = false;

  constructor(options: JobsOptions) {
    this.#options = options;
    this.#ledger = new JobLedger(options);
    this.#retention = new JobRetention(this.#ledger, options.takeBack, options.log);
    this.#slot = new JobSlot(this.#ledger, options, (work) => this.#enqueue(work));
  }

  /** Takes up what an earlier run of the agent left, and starts working. Returns at once: the disk may be full. */
  start(): void {
    void this.#enqueue(async () => {
      for (const state of this.#options.remembered) {
        if (this.#ledger.get(state.job) === undefined && !this.#isForgotten(state.job)) await this.#ledger.adopt(state);
      }
      for (const { command } of this.#ledger.running()) {
        const reason = { code: "interrupted", message: "the agent ended while the job ran" };
        await this.#ledger.change(command.job, { state: "interrupted", reason });
      }
      await this.#slot.startNext();
    });
  }

  /** Handles a message of `cmd/{op}/{job}`; an empty one is a command that was taken back from the broker. */
  receive(address: CommandAddress, payload: Uint8Array): void {
    if (payload.byteLength === 0) return;
    const key = `${address.op} ${address.job} ${Buffer.from(payload).toString("latin1")}`;
    if (!this.#queued.has(key)) {
      this.#queued.add(key);
      void this.#enqueue(() => this.#take(address, payload).finally(() => this.#queued.delete(key)));
    }
    this.#abortCanceled(address, payload);
  }

  /** Publishes the states of all open jobs, and of those that ended while there was no connection. */
  publishOpen(): void {
    this.#ledger.publishOpen();
    this.#retention.prune();
  }

  /** Ends the running job as interrupted; it runs again after the next start. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#slot.close();
    this.#ledger.stop();
    // A job that is being started is only known as running after that.
    await this.#lane;
    this.#slot.abort(new JobError("the agent is shutting down", { code: "interrupted" }));
    await this.#slot.ended();
    await this.#lane;
    const told = Promise.all([this.#ledger.settled(), this.#retention.settled()]);
    await Promise.race([told, this.#options.clock.sleep(CONFIRM_MS)]);
  }

  /** How many jobs the journal knows, by state. */
  countByState(): ReadonlyMap<JobState["state"], number> {
    return this.#ledger.countByState();
  }

  /** Work that changes the ledger happens one after the other. */
  #enqueue(work: () => Promise<void>): Promise<void> {
    this.#lane = this.#lane
      .then(work)
      .catch((error: unknown) => this.#options.log.error({ err: error }, "a job could not be handled"))
      .finally(() => this.#retention.prune());
    return this.#lane;
  }

  async #take(address: CommandAddress, payload: Uint8Array): Promise<void> {
    if (this.#stopping) return;
    const ledger = this.#ledger;
    const known = ledger.get(address.job);
    if (this.#isForgotten(address.job)) {
      this.#retention.answerForgotten(address);
      return;
    }
    const read = readCommand(address, payload);
    if (known !== undefined) {
      if ("command" in read) await this.#revise(known, read.command);
      else ledger.publish(known.state);
      return;
    }
    const nowMs = ledger.nowMs();
    if (this.#options.damaged.has(address.job)) {
      const command = "command" in read ? read.command : placeholderCommand(address, 1, nowMs);
      const message = "the record of the job on this device is damaged: start it again as a new one";
      await ledger.create(command, { state: "failed", reason: { code: "journal-damaged", message } });
      return;
    }
    if ("reason" in read) {
      await ledger.create(placeholderCommand(address, 1, nowMs), { state: "rejected", reason: read.reason });
      return;
    }
    const { command } = read;
    if (command.cancel) {
      await ledger.create(command, { state: "canceled", reason: reasonOf(cancellationOf(command)) });
      return;
    }
    const { operations, clockSynchronized } = this.#options;
    const waiting = ledger.waiting().length;
    const reason = rejectionOf(command, {
      operations,
      waiting: waiting - (1 - this.#slot.taken),
      nowMs,
      clockSynchronized: clockSynchronized(),
    });
    if (reason !== undefined) {
      await ledger.create(command, { state: "rejected", reason });
      return;
    }
    await ledger.create(command, { position: waiting + this.#slot.taken });
    await this.#slot.startNext();
  }

  /** A command for a job that is known: only a higher revision that cancels it changes anything. */
  async #revise({ state }: JobRecord, command: Command): Promise<void> {
    const { job, rev } = command;
    if (rev <= state.rev || isTerminal(state.state) || !command.cancel) {
      this.#ledger.publish(state);
      return;
    }
    if (this.#slot.job === job) {
      this.#options.onRunning(await this.#ledger.change(job, { rev }));
      this.#slot.abort(cancellationOf(command));
    } else {
      await this.#ledger.change(job, { rev, state: "canceled", reason: reasonOf(cancellationOf(command)) });
      this.#ledger.announcePositions(this.#slot.taken);
    }
  }

  /** A cancellation ends what runs at once, also while the lane waits for the disk; the lane then records it. */
  #abortCanceled(address: CommandAddress, payload: Uint8Array): void {
    if (this.#slot.job !== address.job) return;
    const known = this.#ledger.get(address.job);
    const read = readCommand(address, payload);
    if (known === undefined || !("command" in read) || !read.command.cancel || read.command.rev <= known.state.rev)
      return;
    this.#slot.abort(cancellationOf(read.command));
  }

  #isForgotten(job: string): boolean {
    return this.#options.journal.isForgotten(job);
  }
}
