import { EdgewattError, isTerminal, type Command, type JobEvent, type JobState } from "@edgewatt/protocol";
import type { Clock, Logger } from "@edgewatt/runtime";
import { JobError } from "../errors.ts";
import {
  readCommand,
  rejectionOf,
  unreadableCommand,
  type CommandAddress,
  type Operations,
  type Reason,
} from "./admission.ts";
import type { JobJournal, JobRecord } from "./journal.ts";
import type { JobProgress } from "./operation.ts";
import { StatePublisher } from "./state-publisher.ts";
import { nextState, type JobChange } from "./transition.ts";

const MAX_ATTEMPTS = 2;
const PROGRESS_EVERY_MS = 250;
/** How long a stop waits for the broker to confirm the last states. */
const CONFIRM_MS = 2000;

export interface JobsOptions {
  readonly journal: JobJournal;
  readonly records: readonly JobRecord[];
  readonly operations: Operations;
  readonly boot: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly clockSynchronized: () => boolean;
  /** Rejects when there is no connection; the state is then published at the next connect. */
  readonly publishState: (state: JobState) => Promise<void>;
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
 * The device's jobs: one runs, up to eight wait, in order. Every change of state is on disk before it is published; a job
 * id that was seen before is answered with its stored state and never runs twice.
 */
export class Jobs {
  readonly #options: JobsOptions;
  readonly #records = new Map<string, JobRecord>();
  readonly #publisher: StatePublisher;
  #order: number;
  #running: Running | undefined;
  #lane: Promise<void> = Promise.resolve();
  #stopping = false;
  #progressTimer: NodeJS.Timeout | undefined;
  #progressUs = -Infinity;

  constructor(options: JobsOptions) {
    this.#options = options;
    this.#publisher = new StatePublisher(options.publishState, options.log);
    for (const record of options.records) this.#records.set(record.command.job, record);
    this.#order = Math.max(0, ...options.records.map((record) => record.order)) + 1;
  }

  /** Takes up what an earlier run of the agent left, and starts working. */
  async start(): Promise<void> {
    for (const { command, state } of this.#records.values()) {
      if (state.state !== "running") continue;
      const reason = { code: "interrupted", message: "the agent ended while the job ran" };
      await this.#change(command.job, { state: "interrupted", reason });
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
    for (const { state } of this.#records.values()) {
      if (!isTerminal(state.state) || this.#publisher.isWaiting(state.job)) this.#publish(state);
    }
  }

  /** Ends the running job as interrupted; it runs again after the next start. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#progressTimer);
    this.#running?.abort.abort(new JobError("the agent is shutting down", { code: "interrupted" }));
    await this.#running?.finished;
    await this.#lane;
    await Promise.race([this.#publisher.settled(), this.#options.clock.sleep(CONFIRM_MS)]);
  }

  /** Work that changes records happens one after the other. */
  #enqueue(work: () => Promise<void>): void {
    this.#lane = this.#lane.then(work).catch((error: unknown) => {
      this.#options.log.error({ err: error }, "a job could not be handled");
    });
  }

  async #take(address: CommandAddress, payload: Uint8Array): Promise<void> {
    if (this.#stopping) return;
    const known = this.#records.get(address.job);
    const read = readCommand(address, payload);
    if (known !== undefined) {
      if ("command" in read) await this.#revise(known, read.command);
      else this.#publish(known.state);
      return;
    }
    const nowMs = this.#nowMs();
    if ("reason" in read) {
      await this.#create(unreadableCommand(address, nowMs), { state: "rejected", reason: read.reason });
      return;
    }
    const { command } = read;
    if (command.cancel) {
      await this.#create(command, {
        state: "canceled",
        reason: { code: "canceled", message: `canceled by ${command.by}` },
      });
      return;
    }
    const { operations, clockSynchronized } = this.#options;
    const waiting = this.#waiting().length - (this.#running === undefined ? 1 : 0);
    const reason = rejectionOf(command, { operations, waiting, nowMs, clockSynchronized: clockSynchronized() });
    if (reason !== undefined) {
      await this.#create(command, { state: "rejected", reason });
      return;
    }
    await this.#create(command, { position: this.#ahead(this.#waiting().length) });
    await this.#startNext();
  }

  /** A command for a job that is known: only a higher revision that cancels it changes anything. */
  async #revise({ state }: JobRecord, command: Command): Promise<void> {
    if (command.rev <= state.rev || isTerminal(state.state) || !command.cancel) {
      this.#publish(state);
      return;
    }
    const reason = { code: "canceled", message: `canceled by ${command.by}` };
    if (this.#running?.job === command.job) {
      await this.#change(command.job, { rev: command.rev });
      this.#running.abort.abort(new JobError(reason.message, { code: reason.code }));
    } else {
      await this.#change(command.job, { rev: command.rev, state: "canceled", reason });
      this.#announcePositions();
    }
  }

  async #startNext(): Promise<void> {
    if (this.#stopping || this.#running !== undefined) return;
    const [next] = this.#waiting();
    if (next === undefined) return;
    const { command, state } = next;
    if (state.attempt >= MAX_ATTEMPTS) {
      const reason = { code: "interrupted", message: `interrupted ${state.attempt} times: see the agent's log` };
      await this.#change(command.job, { state: "failed", reason });
      return this.#startNext();
    }
    await this.#change(command.job, { state: "running", attempt: state.attempt + 1 });
    const abort = new AbortController();
    this.#running = { job: command.job, abort, finished: this.#run(command, abort) };
    this.#announcePositions();
  }

  async #run(command: Command, abort: AbortController): Promise<void> {
    const { operations, publishEvent } = this.#options;
    const { job } = command;
    const timer = setTimeout(() => {
      abort.abort(new JobError(`the job took longer than ${command.timeoutS} s`, { code: "timeout" }));
    }, command.timeoutS * 1000);
    let change: JobChange;
    try {
      const operation = operations.get(command.op);
      if (operation === undefined) throw new JobError(`this agent cannot ${command.op}`, { code: "unsupported" });
      const result = await operation.run(operation.parse(command.args), {
        job,
        signal: abort.signal,
        progress: (progress) => this.#progress(job, progress),
        event: (level, message) =>
          publishEvent({ v: 1, job, ts: this.#nowMs(), level, message: message.slice(0, 2000) }),
      });
      change = { state: "succeeded", result, progress: 1 };
    } catch (error) {
      change = this.#outcome(command, abort.signal.aborted ? abort.signal.reason : error);
    } finally {
      clearTimeout(timer);
      clearTimeout(this.#progressTimer);
      this.#progressTimer = undefined;
    }
    // In the lane, so that a cancellation that arrives now sees either the running or the ended job.
    this.#enqueue(() => this.#finish(job, change));
    await this.#lane;
  }

  async #finish(job: string, change: JobChange): Promise<void> {
    this.#running = undefined;
    try {
      await this.#change(job, change);
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

  async #create(command: Command, change: JobChange): Promise<void> {
    const state: JobState = {
      v: 1,
      job: command.job,
      op: command.op,
      rev: command.rev,
      state: "accepted",
      ts: this.#nowMs(),
      boot: this.#options.boot,
      attempt: 0,
      ...change,
      ...(change.state === undefined ? {} : { endedAt: this.#nowMs() }),
    };
    await this.#store({ order: this.#order++, command, state });
  }

  async #change(job: string, change: JobChange): Promise<void> {
    const record = this.#records.get(job);
    if (record === undefined) throw new JobError(`there is no job ${job}`, { code: "internal" });
    const state = nextState(record.state, change, { ts: this.#nowMs(), boot: this.#options.boot });
    await this.#store({ ...record, state });
    if (!isTerminal(state.state) && state.state === "running") this.#options.onRunning(state);
  }

  async #store(record: JobRecord): Promise<void> {
    await this.#options.journal.write(record);
    this.#records.set(record.command.job, record);
    this.#publish(record.state);
  }

  /** Progress is told and not journaled: after a crash the job starts again anyway. */
  #progress(job: string, { step, detail, share }: JobProgress): void {
    const record = this.#records.get(job);
    if (record?.state.state !== "running") return;
    const progress = Math.min(1, Math.max(record.state.progress ?? 0, share));
    const state = nextState(
      record.state,
      { step, detail: detail.slice(0, 300), progress },
      { ts: this.#nowMs(), boot: this.#options.boot },
    );
    this.#records.set(job, { ...record, state });
    if (this.#progressTimer !== undefined) return;
    const waitMs = PROGRESS_EVERY_MS - (this.#options.clock.monotonicUs() - this.#progressUs) / 1000;
    this.#progressTimer = setTimeout(
      () => {
        this.#progressTimer = undefined;
        this.#progressUs = this.#options.clock.monotonicUs();
        const newest = this.#records.get(job)?.state;
        if (newest?.state === "running") this.#publish(newest);
      },
      Math.max(0, waitMs),
    );
  }

  /** Jobs that wait, in order; an interrupted one was first in its time. */
  #waiting(): JobRecord[] {
    return [...this.#records.values()]
      .filter(({ state }) => state.state === "accepted" || state.state === "interrupted")
      .sort((a, b) => a.order - b.order);
  }

  #ahead(index: number): number {
    return index + (this.#running === undefined ? 0 : 1);
  }

  #announcePositions(): void {
    for (const [index, record] of this.#waiting().entries()) {
      if (record.state.state !== "accepted" || record.state.position === this.#ahead(index)) continue;
      const state = { ...record.state, position: this.#ahead(index), ts: this.#nowMs() };
      this.#records.set(state.job, { ...record, state });
      this.#publish(state);
    }
  }

  #publish(state: JobState): void {
    this.#publisher.publish(state);
  }

  #nowMs(): number {
    return Math.round(this.#options.clock.nowUs() / 1000);
  }
}

function reasonOf(error: unknown): Reason {
  if (error instanceof EdgewattError) return { code: error.code, message: error.message };
  if (error instanceof Error) return { code: "internal", message: error.message.split("\n")[0] ?? "" };
  return { code: "internal", message: String(error) };
}
