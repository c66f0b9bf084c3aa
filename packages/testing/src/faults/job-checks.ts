import { setTimeout as sleep } from "node:timers/promises";
import type { JobStateName } from "@edgewatt/protocol";
import type { DrivenJob, JobDriver } from "./job-driver.ts";
import { disagreement } from "./job-records.ts";
import type { Ledger } from "./ledger.ts";
import { lookAtRetained } from "./look.ts";
import type { FaultStack } from "./stack.ts";

/** From a job's start to its end, with jobs before it, restarts and all. */
const JOB_LIMIT_MS = 300_000;
/** From a job's end until it is written everywhere. */
const RECORD_LIMIT_MS = 60_000;
const POLL_MS = 500;

/** Every job that was started ends, once, in the same way wherever that is written. */
export class JobChecks {
  readonly #driver: JobDriver;
  readonly #stack: FaultStack;
  readonly #ledger: Ledger;
  /** Jobs whose end stands wherever it must, and those that were told to be wrong. */
  readonly #recorded = new Set<string>();
  readonly #counted = new Set<string>();

  constructor(parts: { driver: JobDriver; stack: FaultStack; ledger: Ledger }) {
    this.#driver = parts.driver;
    this.#stack = parts.stack;
    this.#ledger = parts.ledger;
  }

  /** Faults of jobs that are certain by now; each is told once. */
  async check(): Promise<string[]> {
    const nowMs = performance.now();
    const problems: string[] = [];
    for (const job of this.#driver.jobs.values()) {
      problems.push(...job.faults.splice(0).map((fault) => `${nameOf(job)}: ${fault}`));
      const overdue = job.end === undefined && nowMs - job.startedMs > JOB_LIMIT_MS;
      if (!overdue || this.#recorded.has(job.job)) continue;
      this.#recorded.add(job.job);
      problems.push(`${nameOf(job)} has not ended after ${JOB_LIMIT_MS / 1000} s`);
    }
    return [...problems, ...(await this.#checkRecords(nowMs - RECORD_LIMIT_MS))];
  }

  /** Those that ended before `endedMs` may not be anywhere else any more. */
  async #checkRecords(endedMs: number): Promise<string[]> {
    const ended = [...this.#driver.jobs.values()].filter(
      ({ job, end }) => end !== undefined && !this.#recorded.has(job),
    );
    if (ended.length === 0) return [];
    const problems: string[] = [];
    try {
      const retained = await lookAtRetained(this.#stack.brokerUrl, ended);
      for (const job of ended) {
        const wrong = await disagreement(job, { stack: this.#stack, retained, boots: this.#ledger.bootsOf(job.job) });
        if (wrong !== undefined && job.endedMs > endedMs) continue;
        this.#recorded.add(job.job);
        if (wrong !== undefined) problems.push(`${nameOf(job)}: ${wrong}`);
      }
    } catch (error) {
      problems.push(`records of jobs cannot be compared: ${String(error)}`);
    }
    return problems;
  }

  /** How many jobs ended in which way since the last call. */
  takeEnds(): Partial<Record<JobStateName, number>> {
    const ends: Partial<Record<JobStateName, number>> = {};
    for (const { job, end } of this.#driver.jobs.values()) {
      if (end === undefined || this.#counted.has(job)) continue;
      this.#counted.add(job);
      ends[end.state] = (ends[end.state] ?? 0) + 1;
    }
    return ends;
  }

  /** Waits for the jobs that are open; tells those that stay open. */
  async awaitEnds(): Promise<string[]> {
    const limitMs = performance.now() + JOB_LIMIT_MS;
    while (this.#driver.open.length > 0 && performance.now() < limitMs) await sleep(POLL_MS);
    return this.#driver.open.map((job) => `${nameOf(job)} has not ended at the end of the run`);
  }

  /** Waits until all ends are written everywhere; tells those that are not. */
  async awaitRecords(): Promise<string[]> {
    const limitMs = performance.now() + RECORD_LIMIT_MS;
    const problems = await this.#checkRecords(-Infinity);
    while (this.#unrecorded() && performance.now() < limitMs) {
      await sleep(POLL_MS);
      problems.push(...(await this.#checkRecords(-Infinity)));
    }
    return [...problems, ...(await this.#checkRecords(Infinity))];
  }

  #unrecorded(): boolean {
    return [...this.#driver.jobs.values()].some(({ job, end }) => end !== undefined && !this.#recorded.has(job));
  }
}

function nameOf({ device, job, command }: DrivenJob): string {
  return `${command.op} ${job} on ${device}`;
}
