import {
  encodeMessage,
  EdgewattError,
  isTerminal,
  type Command,
  type JobEvent,
  type JobState,
} from "@edgewatt/protocol";
import { JobError } from "../errors.ts";
import {
  readCommand,
  rejectionOf,
  unreadableCommand,
  type CommandAddress,
  type Operations,
  type Reason,
} from "./admission.ts";
import type { JobRecord } from "./journal.ts";
import { JobLedger, type LedgerOptions } from "./ledger.ts";
import type { JobChange } from "./transition.ts";

const MAX_ATTEMPTS = 2;
/** How long a stop waits for the broker to confirm the last states. */
const CONFIRM_MS = 2000;
/** A timer that is asked for more ends at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export interface JobsOptions extends LedgerOptions {
  readonly operations: Operations;
  readonly clockSynchronized: () => boolean;
  readonly publishEvent: (event: JobEvent) => void;
  /** The running job changed its state or ended (`undefined`). */
  readonly onRunning: (state: JobState | undefined) => void;
}

interface Running {
  readonly job: string;
  readonly abort: AbortController;
  readonly finished: Promise<void>;
}

/**
 * The device's jobs: one runs, up to eight wait, in order. A job id that was seen before is answered with its stored state
 * and never runs twice.
 */
export class Jobs {
  readonly #options: JobsOptions;
  readonly #ledger: JobLedger;
  #running: Running | undefined;
  #lane: Promise<void> = Promise.resolve();
  #stopping = false;

  constructor(options: JobsOptions) {
    this.#options = options;
    this.#ledger = new JobLedger(options);
  }

  /** Takes up what an earlier run of the agent left, and starts working. */
  async start(): Promise<void> {
    for (const { command } of this.#ledger.running()) {
      const reason = { code: "interrupted", message: "the agent ended while the job ran" };
      await this.#ledger.change(command.job, { state: "interrupted", reason });
    }
    this.#enqueue(() => this.#startNext());
  }

  /** Handles a message of `cmd/{op}/{job}`; an empty one is a command that was taken back from the broker. */
  receive(address: CommandAddress, payload: Uint8Array): void {
    if (payload.byteLength === 0) return;
    this.#enqueue(() => this.#take(address, payload));
  }

  /** Publishes the states of all open jobs, and of those that ended while there was no connection. */
  publishOpen(): void {
    this.#ledger.publishOpen();
  }

  /** Ends the running job as interrupted; it runs again after the next start. */
  async stop(): Promise<void> {
    this.#stopping = true;
    // A job that is being started is only known as running after that.
    await this.#lane;
    this.#running?.abort.abort(new JobError("the agent is shutting down", { code: "interrupted" }));
    await this.#running?.finished;
    await this.#lane;
    await Promise.race([this.#ledger.settled(), this.#options.clock.sleep(CONFIRM_MS)]);
  }

  /** How many jobs the journal knows, by state. */
  countByState(): ReadonlyMap<JobState["state"], number> {
    return this.#ledger.countByState();
  }

  /** Work that changes the ledger happens one after the other. */
  #enqueue(work: () => Promise<void>): void {
    this.#lane = this.#lane.then(work).catch((error: unknown) => {
      this.#options.log.error({ err: error }, "a job could not be handled");
    });
  }

  async #take(address: CommandAddress, payload: Uint8Array): Promise<void> {
    if (this.#stopping) return;
    const ledger = this.#ledger;
    const known = ledger.get(address.job);
    const read = readCommand(address, payload);
    if (known !== undefined) {
      if ("command" in read) await this.#revise(known, read.command);
      else ledger.publish(known.state);
      return;
    }
    const nowMs = ledger.nowMs();
    if ("reason" in read) {
      await ledger.create(unreadableCommand(address, nowMs), { state: "rejected", reason: read.reason });
      return;
    }
    const { command } = read;
    if (command.cancel) {
      await ledger.create(command, { state: "canceled", reason: canceledBy(command) });
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
    const reason = canceledBy(command);
    if (this.#running?.job === job) {
      this.#options.onRunning(await this.#ledger.change(job, { rev }));
      this.#running.abort.abort(new JobError(reason.message, { code: reason.code }));
    } else {
      await this.#ledger.change(job, { rev, state: "canceled", reason });
      this.#ledger.announcePositions(this.#active());
    }
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
    const abort = new AbortController();
    this.#running = { job: command.job, abort, finished: this.#run(command, abort) };
    this.#ledger.announcePositions(this.#active());
  }

  async #run(command: Command, abort: AbortController): Promise<void> {
    const { job, timeoutS } = command;
    const timer = setTimeout(
      () => abort.abort(new JobError(`the job took longer than ${timeoutS} s`, { code: "timeout" })),
      Math.min(timeoutS * 1000, MAX_TIMER_MS),
    );
    let change: JobChange;
    try {
      change = { state: "succeeded", result: await this.#operate(command, abort.signal), progress: 1 };
      // A result that cannot be told would leave whoever asked waiting for ever.
      encodeMessage("jobState", this.#ledger.preview(job, change));
    } catch (error) {
      change = this.#outcome(command, abort.signal.aborted ? abort.signal.reason : error);
    } finally {
      clearTimeout(timer);
      this.#ledger.endProgress();
    }
    // In the lane, so that a cancellation that arrives now sees either the running or the ended job.
    this.#enqueue(() => this.#finish(job, change));
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

  async #finish(job: string, change: JobChange): Promise<void> {
    this.#running = undefined;
    try {
      await this.#ledger.change(job, change);
    } finally {
      this.#options.onRunning(undefined);
    }
    await this.#startNext();
  }

  #outcome(command: Command, error: unknown): JobChange {
    const reason = reasonOf(error);
    this.#options.log.warn({ job: command.job, op: command.op, ...reason }, "the job did not succeed");
    if (reason.code === "canceled") return { state: "canceled", reason };
    if (reason.code === "timeout") return { state: "timed_out", reason };
    if (reason.code === "interrupted") return { state: "interrupted", reason };
    return { state: "failed", reason };
  }

  /** Jobs ahead of all that wait. */
  #active(): number {
    return this.#running === undefined ? 0 : 1;
  }
}

function canceledBy(command: Command): Reason {
  return { code: "canceled", message: `canceled by ${command.by}` };
}

function reasonOf(error: unknown): Reason {
  if (error instanceof EdgewattError) return { code: error.code, message: error.message };
  if (error instanceof Error) return { code: "internal", message: error.message.split("\n")[0] ?? "" };
  return { code: "internal", message: String(error) };
}
