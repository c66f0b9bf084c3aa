import { encodeMessage, isTerminal, type Command, type JobEvent, type JobState } from "@edgewatt/protocol";
import { JobError } from "../errors.ts";
import { placeholderCommand, readCommand, rejectionOf, type CommandAddress, type Operations } from "./admission.ts";
import { JobRun } from "./job-run.ts";
import type { JobRecord } from "./journal.ts";
import { JobLedger, type LedgerOptions } from "./ledger.ts";
import { cancellationOf, reasonOf } from "./outcome.ts";
import { JobRetention, type TakeBack } from "./retention.ts";
import type { JobChange } from "./transition.ts";

export const MAX_ATTEMPTS = 2;
/** How long a stop waits for the broker to confirm the last states. */
const CONFIRM_MS = 2000;

export interface JobsOptions extends LedgerOptions {
  readonly operations: Operations;
  /** Jobs of which the journal only knows that they were there. */
  readonly damaged: ReadonlySet<string>;
  /** States that the broker keeps of jobs of this device, where its journal may have been lost. */
  readonly remembered: readonly JobState[];
  readonly takeBack: TakeBack;
  readonly clockSynchronized: () => boolean;
  readonly publishEvent: (event: JobEvent) => void;
  /** The running job changed its state or ended (`undefined`). */
  readonly onRunning: (state: JobState | undefined) => void;
}

interface Running {
  readonly run: JobRun;
  /** The end of the job is on disk. */
  readonly ended: Promise<void>;
}

/**
 * The device's jobs: one runs, up to eight wait, in order. A job id that was seen before is answered with its stored state
 * and never runs twice.
 */
export class Jobs {
  readonly #options: JobsOptions;
  readonly #ledger: JobLedger;
  readonly #retention: JobRetention;
  /** Messages that wait for their turn: the broker sends a retained one again at every connect. */
  readonly #queued = new Set<string>();
  #running: Running | undefined;
  #lane: Promise<void> = Promise.resolve();
  #stopping = false;

  constructor(options: JobsOptions) {
    this.#options = options;
    this.#ledger = new JobLedger(options);
    this.#retention = new JobRetention(this.#ledger, options.takeBack, options.log);
  }

  /** Takes up what an earlier run of the agent left, and starts working. Returns at once: the disk may be full. */
  start(): void {
    this.#enqueue(async () => {
      for (const state of this.#options.remembered) {
        if (this.#ledger.get(state.job) === undefined && !this.#isForgotten(state.job)) await this.#ledger.adopt(state);
      }
      for (const { command } of this.#ledger.running()) {
        const reason = { code: "interrupted", message: "the agent ended while the job ran" };
        await this.#ledger.change(command.job, { state: "interrupted", reason });
      }
      await this.#startNext();
    });
  }

  /** Handles a message of `cmd/{op}/{job}`; an empty one is a command that was taken back from the broker. */
  receive(address: CommandAddress, payload: Uint8Array): void {
    if (payload.byteLength === 0) return;
    const key = `${address.op} ${address.job} ${Buffer.from(payload).toString("latin1")}`;
    if (!this.#queued.has(key)) {
      this.#queued.add(key);
      this.#enqueue(() => this.#take(address, payload).finally(() => this.#queued.delete(key)));
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
    this.#ledger.stop();
    // A job that is being started is only known as running after that.
    await this.#lane;
    this.#running?.run.abort(new JobError("the agent is shutting down", { code: "interrupted" }));
    await this.#running?.ended;
    await this.#lane;
    const told = Promise.all([this.#ledger.settled(), this.#retention.settled()]);
    await Promise.race([told, this.#options.clock.sleep(CONFIRM_MS)]);
  }

  /** Work that changes the ledger happens one after the other. */
  #enqueue(work: () => Promise<void>): void {
    this.#lane = this.#lane
      .then(work)
      .catch((error: unknown) => this.#options.log.error({ err: error }, "a job could not be handled"))
      .finally(() => this.#retention.prune());
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
      waiting: waiting - (this.#running === undefined ? 1 : 0),
      nowMs,
      clockSynchronized: clockSynchronized(),
    });
    if (reason !== undefined) {
      await ledger.create(command, { state: "rejected", reason });
      return;
    }
    await ledger.create(command, { position: waiting + this.#active() });
    await this.#startNext();
  }

  /** A command for a job that is known: only a higher revision that cancels it changes anything. */
  async #revise({ state }: JobRecord, command: Command): Promise<void> {
    const { job, rev } = command;
    if (rev <= state.rev || isTerminal(state.state) || !command.cancel) {
      this.#ledger.publish(state);
      return;
    }
    if (this.#running?.run.job === job) {
      this.#options.onRunning(await this.#ledger.change(job, { rev }));
      this.#running.run.abort(cancellationOf(command));
    } else {
      await this.#ledger.change(job, { rev, state: "canceled", reason: reasonOf(cancellationOf(command)) });
      this.#ledger.announcePositions(this.#active());
    }
  }

  /** A cancellation ends what runs at once, also while the lane waits for the disk; the lane then records it. */
  #abortCanceled(address: CommandAddress, payload: Uint8Array): void {
    if (this.#running?.run.job !== address.job) return;
    const known = this.#ledger.get(address.job);
    const read = readCommand(address, payload);
    if (known === undefined || !("command" in read) || !read.command.cancel || read.command.rev <= known.state.rev)
      return;
    this.#running.run.abort(cancellationOf(read.command));
  }

  async #startNext(): Promise<void> {
    if (this.#stopping || this.#running !== undefined) return;
    const [next] = this.#ledger.waiting();
    if (next === undefined) return;
    const { command, state } = next;
    if (state.attempt >= MAX_ATTEMPTS) {
      const reason = { code: "interrupted", message: `interrupted ${state.attempt} times: see the agent's log` };
      await this.#ledger.change(command.job, { state: "failed", reason });
      return this.#startNext();
    }
    this.#options.onRunning(await this.#ledger.change(command.job, { state: "running", attempt: state.attempt + 1 }));
    this.#run(command);
    this.#ledger.announcePositions(this.#active());
  }

  #run(command: Command): void {
    const run = new JobRun(
      command,
      (signal) => this.#operate(command, signal),
      // A result that cannot be told would leave whoever asked waiting for ever.
      (change) => void encodeMessage("jobState", this.#ledger.preview(command.job, change)),
    );
    this.#running = { run, ended: this.#follow(run, command) };
  }

  async #follow(run: JobRun, { job, op }: Command): Promise<void> {
    const change = await run.outcome;
    this.#ledger.endProgress();
    if (change.reason !== undefined) this.#options.log.warn({ job, op, ...change.reason }, "the job did not succeed");
    // In the lane, so that a cancellation that arrives now sees either the running or the ended job.
    this.#enqueue(() => this.#end(job, change));
    // The next job must not share the machine with an operation that has not let go.
    void run.letGo.then(() => this.#enqueue(() => this.#release(run)));
    if (run.isStuck) {
      const message = `the ${op} of job ${job} was told to end and goes on; other jobs wait for it: restart the agent`;
      this.#options.log.error({ job, op }, message);
      this.#options.onFault({ code: "operation", job, message });
    }
    await this.#lane;
  }

  async #operate(command: Command, signal: AbortSignal): Promise<Record<string, unknown>> {
    const { job, op, args } = command;
    const operation = this.#options.operations.get(op);
    if (operation === undefined) throw new JobError(`this agent cannot ${op}`, { code: "unsupported" });
    return operation.run(operation.parse(args), {
      job,
      signal,
      progress: (progress) => this.#ledger.progress(job, progress),
      event: (level, message) =>
        this.#options.publishEvent({ v: 1, job, ts: this.#ledger.nowMs(), level, message: message.slice(0, 2000) }),
    });
  }

  async #end(job: string, change: JobChange): Promise<void> {
    try {
      await this.#ledger.change(job, change);
    } finally {
      this.#options.onRunning(undefined);
    }
  }

  async #release({ job, isStuck }: JobRun): Promise<void> {
    this.#running = undefined;
    if (isStuck) this.#options.onFault({ code: "operation", job, message: undefined });
    await this.#startNext();
  }

  #isForgotten(job: string): boolean {
    return this.#options.journal.isForgotten(job);
  }

  /** Jobs ahead of all that wait. */
  #active(): number {
    return this.#running === undefined ? 0 : 1;
  }
}
