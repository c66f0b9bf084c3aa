import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { JobStateName, ModelArtifact } from "@edgewatt/protocol";
import { TestingError } from "../errors.ts";
import { inject } from "./inject.ts";
import { JobDriver, type DrivenJob } from "./job-driver.ts";
import { disagreement } from "./job-records.ts";
import { Ledger, type Difference } from "./ledger.ts";
import { lookAtRetained } from "./look.ts";
import { MemoryWatch, type MemoryUse } from "./memory.ts";
import { planTrials, type Trial } from "./plan.ts";
import { PublishedTap } from "./published-tap.ts";
import { Random } from "./random.ts";
import { awaitRecovery } from "./recovery.ts";
import { SpoolShadow } from "./spool-shadow.ts";
import { FaultStack } from "./stack.ts";
import { storedPoints } from "./stored-points.ts";

export interface FaultRunOptions {
  readonly seed: number;
  /** An empty folder, left as it is. */
  readonly dir: string;
  readonly broker: "own" | "mosquitto";
  readonly model: ModelArtifact;
  /** Ends after so many trials, or after so long; one of them is given. */
  readonly trials?: number;
  readonly minutes?: number;
  /** Between the end of a trial and the next. */
  readonly pauseMs?: number;
  /** Telemetry of each device, Hz. */
  readonly telemetryHz: number;
  /** The first trial of the plan. */
  readonly from?: number;
  readonly say: (line: string) => void;
}

export interface TrialResult {
  readonly trial: Trial;
  readonly taken: number;
  readonly lost: number;
  readonly doubled: number;
  readonly recoveryS: number;
  readonly ends: Partial<Record<JobStateName, number>>;
  readonly problems: readonly string[];
}

export interface FaultRunResult {
  readonly results: readonly TrialResult[];
  readonly memory: readonly MemoryUse[];
}

/** Names that rendezvous hashing gives to different ingests. */
const DEVICES = ["pi-1", "pi-4"];
const INGESTS = ["ingest-1", "ingest-2"];
/** Beyond a write's time limit, the back-off of the connections and a first start of an agent on a busy machine. */
const RECOVERY_LIMIT_MS = 90_000;
/** From a job's start to its end, with jobs before it, restarts and all. */
const JOB_LIMIT_MS = 300_000;
/** From a job's end until it is written everywhere. */
const RECORD_LIMIT_MS = 60_000;
/** A stack that does not come back is of no use to further trials. */
const MAX_FAILURES_IN_A_ROW = 5;

/** One long-lived stack under load, one fault after the other. */
export async function runFaults(options: FaultRunOptions): Promise<FaultRunResult> {
  const { dir, broker, seed, telemetryHz } = options;
  const random = new Random(seed ^ 0x5eed);
  await mkdir(dir, { recursive: true });
  const agentArgs = telemetryHz === 10 ? [] : ["--telemetry-hz", String(telemetryHz)];
  const taps = new Map(DEVICES.map((device) => [device, new PublishedTap()]));
  const onAgentSent = (device: string, connection: number, bytes: Buffer) => taps.get(device)?.hear(connection, bytes);
  const parts = { devices: DEVICES, ingests: INGESTS, agentArgs };
  const stack = await FaultStack.start({ dir, broker, random, onAgentSent, ...parts });
  const shadows = DEVICES.map(
    (device) =>
      new SpoolShadow({
        device,
        spool: path.join(stack.agentHome(device), "spool"),
        shadow: path.join(dir, "shadow", device),
      }),
  );
  const ledger = new Ledger(
    // First what was sent, so that what stood on disk before it is known by then.
    () => [...[...taps.values()].flatMap((tap) => tap.take()), ...shadows.flatMap((shadow) => shadow.take())],
    (fromUs, toUs) => storedPoints(stack.influxUrl, fromUs, toUs),
  );
  const memory = new MemoryWatch(stack.processes);
  const driver = await JobDriver.start({ brokerUrl: stack.brokerUrl, devices: DEVICES, model: options.model, random });
  const run = new FaultRun(options, { stack, ledger, driver });
  try {
    const results = await run.trials();
    return { results, memory: memory.uses() };
  } finally {
    memory[Symbol.dispose]();
    await driver.stop();
    await stack.stop();
    for (const shadow of shadows) shadow[Symbol.dispose]();
  }
}

class FaultRun {
  readonly #options: FaultRunOptions;
  readonly #stack: FaultStack;
  readonly #ledger: Ledger;
  readonly #driver: JobDriver;
  /** Jobs whose end stands wherever it must. */
  readonly #recorded = new Set<string>();
  readonly #counted = new Set<string>();
  #unexpected = 0;

  constructor(options: FaultRunOptions, parts: { stack: FaultStack; ledger: Ledger; driver: JobDriver }) {
    this.#options = options;
    this.#stack = parts.stack;
    this.#ledger = parts.ledger;
    this.#driver = parts.driver;
  }

  async trials(): Promise<TrialResult[]> {
    const { seed, trials = Infinity, minutes = Infinity, pauseMs = 0, from = 1, say } = this.#options;
    const endMs = performance.now() + minutes * 60_000;
    const start = await this.#recover(performance.now());
    const wrong = [...start.problems, ...this.#ends()];
    if (wrong.length > 0) {
      const { dir } = this.#options;
      throw new TestingError(`the stack did not start, see ${dir}/logs: ${wrong.join("; ")}`, { code: "not-ready" });
    }
    const results: TrialResult[] = [];
    let failures = 0;
    for (const trial of planTrials(seed)) {
      if (trial.number < from) continue;
      if (results.length >= trials || performance.now() >= endMs || failures >= MAX_FAILURES_IN_A_ROW) break;
      const result = await this.#trial(trial);
      results.push(result);
      failures = result.problems.length > 0 ? failures + 1 : 0;
      say(describe(result));
      await sleep(pauseMs);
    }
    const last = results.pop();
    if (last === undefined) return results;
    return [...results, { ...last, problems: [...last.problems, ...(await this.#finish())] }];
  }

  async #trial(trial: Trial): Promise<TrialResult> {
    this.#ledger.follow();
    const before = this.#ledger.total;
    const problems: string[] = [];
    await inject(trial, this.#stack).catch((error: unknown) => problems.push(`not injected: ${String(error)}`));
    const { recoveryS, differences, problems: after } = await this.#recover(performance.now());
    problems.push(...after, ...(await this.#checkJobs()), ...this.#ends());
    return {
      trial,
      taken: this.#ledger.total - before,
      lost: differences.filter(({ kind }) => kind === "lost").length,
      doubled: differences.filter(({ kind }) => kind !== "lost").length,
      recoveryS,
      ends: this.#countEnds(),
      problems: [
        ...problems,
        ...differences.slice(0, 10).map(({ kind, point }) => `${kind}: ${point.id} ${point.fields}`),
      ],
    };
  }

  async #recover(sinceMs: number): Promise<{ recoveryS: number; differences: Difference[]; problems: string[] }> {
    const ledger = this.#ledger;
    const options = { stack: this.#stack, ledger, sinceMs, limitMs: RECOVERY_LIMIT_MS };
    const { seconds, differences, missing } = await awaitRecovery(options);
    const all = [...differences];
    const problems = missing.map((what) => `after ${seconds.toFixed(0)} s: ${what}`);
    try {
      if (missing.length > 0) all.push(...(await ledger.abandon(sinceMs)));
      all.push(...(await ledger.settle(Date.now() * 1000)));
    } catch (error) {
      problems.push(`the database cannot be read: ${String(error)}`);
    }
    return { recoveryS: seconds, differences: all, problems: [...problems, ...ledger.takeFaults()] };
  }

  /** Faults of jobs that are certain by now; each is told once. */
  async #checkJobs(): Promise<string[]> {
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
        const wrong = await disagreement(job, this.#stack, retained);
        if (wrong !== undefined && job.endedMs > endedMs) continue;
        this.#recorded.add(job.job);
        if (wrong !== undefined) problems.push(`${nameOf(job)}: ${wrong}`);
      }
    } catch (error) {
      problems.push(`records of jobs cannot be compared: ${String(error)}`);
    }
    return problems;
  }

  /** Processes that ended without being told to. */
  #ends(): string[] {
    const ends = this.#stack.processes.flatMap(({ unexpected }) => unexpected);
    const fresh = ends.slice(this.#unexpected);
    this.#unexpected = ends.length;
    return fresh.map(({ name, code, signal }) => `${name} ended by itself with ${signal ?? `code ${code}`}`);
  }

  #countEnds(): Partial<Record<JobStateName, number>> {
    const ends: Partial<Record<JobStateName, number>> = {};
    for (const { job, end } of this.#driver.jobs.values()) {
      if (end === undefined || this.#counted.has(job)) continue;
      this.#counted.add(job);
      ends[end.state] = (ends[end.state] ?? 0) + 1;
    }
    return ends;
  }

  /** All jobs end, all points are there, and nothing else is. */
  async #finish(): Promise<string[]> {
    this.#driver.finish();
    const limitMs = performance.now() + JOB_LIMIT_MS;
    while (this.#driver.open.length > 0 && performance.now() < limitMs) await sleep(200);
    const problems = this.#driver.open.map((job) => `${nameOf(job)} has not ended at the end of the run`);
    const { differences, problems: after } = await this.#recover(performance.now());
    const left = [...differences, ...(await this.#ledger.settleAll(Date.now() * 1000))];
    const recordLimitMs = performance.now() + RECORD_LIMIT_MS;
    const records = await this.#checkRecords(-Infinity);
    while (this.#unrecorded() && performance.now() < recordLimitMs) {
      await sleep(500);
      records.push(...(await this.#checkRecords(-Infinity)));
    }
    records.push(...(await this.#checkRecords(Infinity)));
    const found = left.slice(0, 20).map(({ kind, point }) => `at the end ${kind}: ${point.id} ${point.fields}`);
    if (left.length > 0) found.push(`at the end ${left.length} points differ`);
    const all = [...problems, ...after, ...records, ...found];
    if (all.length > 0)
      await writeFile(path.join(this.#options.dir, "end.json"), JSON.stringify({ all, left }, undefined, 2));
    return all;
  }

  #unrecorded(): boolean {
    return [...this.#driver.jobs.values()].some(({ job, end }) => end !== undefined && !this.#recorded.has(job));
  }
}

function nameOf({ device, job, command }: DrivenJob): string {
  return `${command.op} ${job} on ${device}`;
}

function describe({ trial, taken, lost, doubled, recoveryS, problems }: TrialResult): string {
  const lasts = trial.lastsMs === 0 ? "" : ` for ${(trial.lastsMs / 1000).toFixed(1)} s`;
  const what = `trial ${trial.number}: ${trial.fault} ${trial.target}${lasts}`;
  const figures = `${taken} points, ${lost} lost, ${doubled} doubled, well after ${recoveryS.toFixed(1)} s`;
  return [`${what}: ${figures}`, ...problems.map((problem) => `  ${problem}`)].join("\n");
}
