import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { JobStateName, ModelArtifact } from "@edgewatt/protocol";
import { TestingError } from "../errors.ts";
import { inject } from "./inject.ts";
import { JobChecks } from "./job-checks.ts";
import { JobDriver } from "./job-driver.ts";
import { Ledger, type Difference } from "./ledger.ts";
import { MemoryWatch, type MemoryUse } from "./memory.ts";
import { planTrials, type Trial } from "./plan.ts";
import { PublishedTap } from "./published-tap.ts";
import { Random } from "./random.ts";
import { awaitRecovery } from "./recovery.ts";
import { mayMount } from "./small-disk.ts";
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
  /** What was well last. */
  readonly slowest: readonly string[];
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
/** Beyond the 5 s after which a spool tries a disk again that has failed. */
const DISK_RETRY_MS = 7000;
/** What takes longer is told with what it was. */
const SLOW_S = 8;
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
  const parts = { devices: DEVICES, ingests: INGESTS, agentArgs, disks: mayMount() };
  const stack = await FaultStack.start({ dir, broker, random, onAgentSent, ...parts });
  const shadows = DEVICES.map(
    (device) =>
      new SpoolShadow({
        device,
        spool: path.join(stack.agentHome(device), "spool"),
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
    await stack.unmount();
  }
}

interface Recovered {
  readonly recoveryS: number;
  readonly slowest: readonly string[];
  readonly differences: readonly Difference[];
  readonly problems: readonly string[];
}

class FaultRun {
  readonly #options: FaultRunOptions;
  readonly #stack: FaultStack;
  readonly #ledger: Ledger;
  readonly #driver: JobDriver;
  readonly #jobs: JobChecks;
  #unexpected = 0;

  constructor(options: FaultRunOptions, parts: { stack: FaultStack; ledger: Ledger; driver: JobDriver }) {
    this.#options = options;
    this.#stack = parts.stack;
    this.#ledger = parts.ledger;
    this.#driver = parts.driver;
    this.#jobs = new JobChecks(parts);
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
    for (const trial of planTrials(seed, { disks: mayMount() })) {
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
    const recovery = await this.#recover(performance.now());
    const { recoveryS, slowest, differences, problems: after } = recovery;
    if (trial.kind === "disk") {
      // A full disk keeps nothing, and memory must do until the disk is tried again.
      await sleep(DISK_RETRY_MS);
      this.#ledger.follow();
      this.#ledger.takeUnspooled();
    }
    problems.push(...this.#ledger.takeUnspooled().map((name) => `${name} was published and never spooled`));
    problems.push(...after, ...(await this.#jobs.check()), ...this.#ends());
    return {
      trial,
      taken: this.#ledger.total - before,
      lost: differences.filter(({ kind }) => kind === "lost").length,
      doubled: differences.filter(({ kind }) => kind !== "lost").length,
      recoveryS,
      slowest,
      ends: this.#jobs.takeEnds(),
      problems: [
        ...problems,
        ...differences.slice(0, 10).map(({ kind, point }) => `${kind}: ${point.id} ${point.fields}`),
      ],
    };
  }

  async #recover(sinceMs: number): Promise<Recovered> {
    const ledger = this.#ledger;
    const options = { stack: this.#stack, ledger, sinceMs, limitMs: RECOVERY_LIMIT_MS };
    const { seconds, differences, missing, slowest } = await awaitRecovery(options);
    const all = [...differences];
    const problems = missing.map((what) => `after ${seconds.toFixed(0)} s: ${what}`);
    try {
      if (missing.length > 0) all.push(...(await ledger.abandon(sinceMs)));
      all.push(...(await ledger.settle(Date.now() * 1000)));
    } catch (error) {
      problems.push(`the database cannot be read: ${String(error)}`);
    }
    return { recoveryS: seconds, slowest, differences: all, problems: [...problems, ...ledger.takeFaults()] };
  }

  /** Processes that ended without being told to. */
  #ends(): string[] {
    const ends = this.#stack.processes.flatMap(({ unexpected }) => unexpected);
    const fresh = ends.slice(this.#unexpected);
    this.#unexpected = ends.length;
    return fresh.map(({ name, code, signal }) => `${name} ended by itself with ${signal ?? `code ${code}`}`);
  }

  /** All jobs end, all points are there, and nothing else is. */
  async #finish(): Promise<string[]> {
    this.#driver.finish();
    const problems = await this.#jobs.awaitEnds();
    const { differences, problems: after } = await this.#recover(performance.now());
    const left = [...differences, ...(await this.#ledger.settleAll(Date.now() * 1000))];
    const records = await this.#jobs.awaitRecords();
    const found = left.slice(0, 20).map(({ kind, point }) => `at the end ${kind}: ${point.id} ${point.fields}`);
    if (left.length > 0) found.push(`at the end ${left.length} points differ`);
    const all = [...problems, ...after, ...records, ...found];
    if (all.length > 0)
      await writeFile(path.join(this.#options.dir, "end.json"), JSON.stringify({ all, left }, undefined, 2));
    return all;
  }
}

function describe({ trial, taken, lost, doubled, recoveryS, slowest, problems }: TrialResult): string {
  const lasts = trial.lastsMs === 0 ? "" : ` for ${(trial.lastsMs / 1000).toFixed(1)} s`;
  const what = `trial ${trial.number}: ${trial.fault} ${trial.target}${lasts}`;
  const figures = `${taken} points, ${lost} lost, ${doubled} doubled, well after ${recoveryS.toFixed(1)} s`;
  const last = recoveryS > SLOW_S ? [`  last of all: ${slowest.join("; ")}`] : [];
  return [`${what}: ${figures}`, ...last, ...problems.map((problem) => `  ${problem}`)].join("\n");
}
