import { isTerminal, type Command, type JobState } from "@edgewatt/protocol";
import type { Clock, Logger } from "@edgewatt/runtime";
import { JobError } from "../errors.ts";
import { placeholderCommand } from "./admission.ts";
import type { JobJournal, JobRecord } from "./journal.ts";
import type { JobProgress } from "./operation.ts";
import { StatePublisher } from "./state-publisher.ts";
import { StorageGuard, type StorageGuardOptions } from "./storage-guard.ts";
import { nextState, type JobChange } from "./transition.ts";

const PROGRESS_EVERY_MS = 250;

export interface LedgerOptions {
  readonly journal: JobJournal;
  readonly records: readonly JobRecord[];
  readonly boot: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Rejects when there is no connection; the state is then published at the next connect. */
  readonly publishState: (state: JobState) => Promise<void>;
  readonly onFault: StorageGuardOptions["onFault"];
}

/** What is known of every job. Changes are on disk before they are published; position and progress are published only. */
export class JobLedger {
  readonly #options: LedgerOptions;
  readonly #records = new Map<string, JobRecord>();
  readonly #publisher: StatePublisher;
  readonly #guard: StorageGuard;
  #order: number;
  #progressTimer: NodeJS.Timeout | undefined;
  #progressUs = -Infinity;

  constructor(options: LedgerOptions) {
    this.#options = options;
    this.#publisher = new StatePublisher(options.publishState, options.log);
    this.#guard = new StorageGuard(options);
    for (const record of options.records) this.#records.set(record.command.job, record);
    this.#order = Math.max(0, ...options.records.map((record) => record.order)) + 1;
  }

  get(job: string): JobRecord | undefined {
    return this.#records.get(job);
  }

  /** How many jobs there are of each state. */
  countByState(): Map<JobState["state"], number> {
    const counts = new Map<JobState["state"], number>();
    for (const { state } of this.#records.values()) counts.set(state.state, (counts.get(state.state) ?? 0) + 1);
    return counts;
  }

  /** Jobs that an earlier run of the agent left running. */
  running(): JobRecord[] {
    return [...this.#records.values()].filter(({ state }) => state.state === "running");
  }

  /** Jobs that wait, in order; an interrupted one was first in its time. */
  waiting(): JobRecord[] {
    return [...this.#records.values()]
      .filter(({ state }) => state.state === "accepted" || state.state === "interrupted")
      .sort((a, b) => a.order - b.order);
  }

  /** Enters a new job, accepted unless `change` says otherwise. */
  async create(command: Command, change: JobChange): Promise<void> {
    const nowMs = this.nowMs();
    const state: JobState = {
      v: 1,
      job: command.job,
      op: command.op,
      rev: command.rev,
      state: "accepted",
      ts: nowMs,
      boot: this.#options.boot,
      attempt: 0,
      ...change,
      ...(change.state === undefined ? {} : { endedAt: nowMs }),
    };
    await this.#store({ order: this.#order++, command, state });
  }

  /** Takes up a job of which only the broker still knows a state; one that had not ended is lost. */
  async adopt(state: JobState): Promise<void> {
    const reason = {
      code: "journal-lost",
      message: "this device has lost its record of the job: start it again as a new one",
    };
    const ended = isTerminal(state.state)
      ? state
      : nextState(state, { state: "failed", reason }, { ts: this.nowMs(), boot: this.#options.boot });
    await this.#store({ order: this.#order++, command: placeholderCommand(state, state.rev, state.ts), state: ended });
  }

  /** Gives the new state. @throws {JobError} for a transition that must not be */
  async change(job: string, change: JobChange): Promise<JobState> {
    const { record, state } = this.#next(job, change);
    await this.#persist({ ...record, state });
    // Progress that was told while the disk was written stays told.
    const isSame = state.state === "running" && record.state.state === "running";
    const told = isSame ? this.#next(job, change).state : state;
    this.#tell({ ...record, state: told });
    return told;
  }

  /** Ended jobs, those of longest ago first, that the broker has confirmed and that are more than `keep`. */
  superfluous(keep: number): JobRecord[] {
    const ended = [...this.#records.values()]
      .filter(({ state }) => isTerminal(state.state))
      .sort((a, b) => a.order - b.order);
    return ended
      .slice(0, Math.max(0, ended.length - keep))
      .filter(({ state }) => !this.#publisher.isWaiting(state.job));
  }

  /** Drops an ended job; its id stays known. */
  async forget(job: string): Promise<void> {
    await this.#options.journal.forget(job);
    this.#records.delete(job);
  }

  /** The state that a change would give, without making it. */
  preview(job: string, change: JobChange): JobState {
    return this.#next(job, change).state;
  }

  /** Publishes a job's state again. */
  publish(state: JobState): void {
    this.#publisher.publish(state);
  }

  /** Publishes the states of all open jobs, and of those that ended while there was no connection. */
  publishOpen(): void {
    for (const { state } of this.#records.values()) {
      if (!isTerminal(state.state) || this.#publisher.isWaiting(state.job)) this.publish(state);
    }
  }

  /** Tells waiting jobs how many are ahead of them, `before` of which do not wait. */
  announcePositions(before: number): void {
    for (const [index, record] of this.waiting().entries()) {
      const position = index + before;
      if (record.state.state !== "accepted" || record.state.position === position) continue;
      const state = { ...record.state, position, ts: this.nowMs() };
      this.#records.set(state.job, { ...record, state });
      this.publish(state);
    }
  }

  /** Progress is told, now and then, and not journaled: after a crash the job starts again anyway. */
  progress(job: string, { step, detail, share }: JobProgress): void {
    const record = this.#records.get(job);
    if (record?.state.state !== "running") return;
    const progress = Math.min(1, Math.max(record.state.progress ?? 0, share));
    const { state } = this.#next(job, { step, detail: detail.slice(0, 300), progress });
    this.#records.set(job, { ...record, state });
    if (this.#progressTimer !== undefined) return;
    const waitMs = PROGRESS_EVERY_MS - (this.#options.clock.monotonicUs() - this.#progressUs) / 1000;
    this.#progressTimer = setTimeout(
      () => {
        this.#progressTimer = undefined;
        this.#progressUs = this.#options.clock.monotonicUs();
        const newest = this.#records.get(job)?.state;
        if (newest?.state === "running") this.publish(newest);
      },
      Math.max(0, waitMs),
    );
  }

  /** The job has ended: what it last told of its progress no longer matters. */
  endProgress(): void {
    clearTimeout(this.#progressTimer);
    this.#progressTimer = undefined;
  }

  /** From now on a write that fails is given up. */
  stop(): void {
    this.#guard.stop();
  }

  /** Resolves when all that is being published was confirmed or refused. */
  settled(): Promise<void> {
    return this.#publisher.settled();
  }

  nowMs(): number {
    return Math.round(this.#options.clock.nowUs() / 1000);
  }

  #next(job: string, change: JobChange): { record: JobRecord; state: JobState } {
    const record = this.#records.get(job);
    if (record === undefined) throw new JobError(`there is no job ${job}`, { code: "internal" });
    return { record, state: nextState(record.state, change, { ts: this.nowMs(), boot: this.#options.boot }) };
  }

  async #store(record: JobRecord): Promise<void> {
    await this.#persist(record);
    this.#tell(record);
  }

  async #persist(record: JobRecord): Promise<void> {
    await this.#guard.persist(record.command.job, () => this.#options.journal.write(record));
  }

  #tell(record: JobRecord): void {
    this.#records.set(record.command.job, record);
    this.publish(record.state);
  }
}
