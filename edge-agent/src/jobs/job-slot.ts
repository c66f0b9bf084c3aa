import { encodeMessage, type Command, type JobEvent, type JobState } from "@edgewatt/protocol";
import type { Logger } from "@edgewatt/runtime";
import { JobError } from "../errors.ts";
import type { Operations } from "./admission.ts";
import { JobRun } from "./job-run.ts";
import type { JobLedger } from "./ledger.ts";
import type { JobsFault } from "./storage-guard.ts";
import type { JobChange } from "./transition.ts";

export const MAX_ATTEMPTS = 2;

export interface JobSlotOptions {
  readonly operations: Operations;
  readonly log: Logger;
  readonly publishEvent: (event: JobEvent) => void;
  /** The running job changed its state or ended (`undefined`). */
  readonly onRunning: (state: JobState | undefined) => void;
  readonly onFault: (fault: JobsFault) => void;
}

interface Running {
  readonly run: JobRun;
  /** The end of the job is on disk. */
  readonly ended: Promise<void>;
}

/** The one place in which a job runs. It is free again when the operation has let go, and then takes the next that waits. */
export class JobSlot {
  readonly #ledger: JobLedger;
  readonly #options: JobSlotOptions;
  readonly #enqueue: (work: () => Promise<void>) => Promise<void>;
  #running: Running | undefined;
  #closed = false;

  /** @param enqueue does work on the ledger after all that was asked for before, and resolves when it is done */
  constructor(ledger: JobLedger, options: JobSlotOptions, enqueue: (work: () => Promise<void>) => Promise<void>) {
    this.#ledger = ledger;
    this.#options = options;
    this.#enqueue = enqueue;
  }

  /** The job that runs, or whose operation has not let go. */
  get job(): string | undefined {
    return this.#running?.run.job;
  }

  /** Jobs ahead of all that wait. */
  get taken(): 0 | 1 {
    return this.#running === undefined ? 0 : 1;
  }

  /** Tells what runs to end; its job ends in time, also where the operation does not. */
  abort(reason: JobError): void {
    this.#running?.run.abort(reason);
  }

  /** From now on no job is started. */
  close(): void {
    this.#closed = true;
  }

  /** Resolves when the end of the job that runs is on disk. */
  async ended(): Promise<void> {
    await this.#running?.ended;
  }

  /** Starts the first job that waits, unless one runs. Call it where the ledger may be changed. */
  async startNext(): Promise<void> {
    if (this.#closed || this.#running !== undefined) return;
    const [next] = this.#ledger.waiting();
    if (next === undefined) return;
    const { command, state } = next;
    if (state.attempt >= MAX_ATTEMPTS) {
      const reason = { code: "interrupted", message: `interrupted ${state.attempt} times: see the agent's log` };
      await this.#ledger.change(command.job, { state: "failed", reason });
      return this.startNext();
    }
    this.#options.onRunning(await this.#ledger.change(command.job, { state: "running", attempt: state.attempt + 1 }));
    this.#run(command);
    this.#ledger.announcePositions(this.taken);
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
    // After what was asked for before, so that a cancellation that arrives now sees either the running or the ended job.
    const ended = this.#enqueue(() => this.#end(job, change));
    // The next job must not share the machine with an operation that has not let go.
    void run.letGo.then(() => this.#enqueue(() => this.#release(run)));
    if (run.isStuck) {
      const message = `the ${op} of job ${job} was told to end and goes on; other jobs wait for it: restart the agent`;
      this.#options.log.error({ job, op }, message);
      this.#options.onFault({ code: "operation", job, message });
    }
    await ended;
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
    await this.startNext();
  }
}
