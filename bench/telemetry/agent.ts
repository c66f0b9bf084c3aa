import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { SpawnedService } from "@edgewatt/testing";
import { BenchError } from "../errors.ts";
import { AgentChild } from "../measuring/agent-child.ts";
import { BENCH } from "../paths.ts";
import { describeSpread, spreadOf } from "../processes.ts";
import { compare, type BenchContext, type BenchResult, type Suite } from "../suite.ts";
import { withAgentStack, type AgentStack } from "./agent-stack.ts";
import { AgentWatch } from "./agent-watch.ts";
import { childOf, cpuUsOf, residentMbOf } from "./process-cost.ts";

const run = promisify(execFile);

const HZ = 1000;
const OUTAGE_S = 3600;
const OUTAGE_BOOT = 1;
const ROUNDS = 5;
const WINDOW_S = 6;
/** V8 compiles what runs often while it runs; what it costs for good is seen after that. */
const SETTLE_S = 10;
const DRAIN_LIMIT_S = 600;
const CPU_LIMIT_PCT = 5;
const MEMORY_LIMIT = 1.1;
const DRAIN_LIMIT = 20;
const AGE_LIMIT_S = 1;

interface Filled {
  readonly settledMb: number;
  readonly filledMb: number;
  readonly batches: number;
  readonly spoolMb: number;
}

/** The agent at a telemetry rate of 1 kHz: what it costs, and how it comes back from an outage of an hour. */
export const agent: Suite = { run: measure };

async function* measure({ signal, say }: BenchContext): AsyncGenerator<BenchResult> {
  const results: BenchResult[] = [];
  await withAgentStack(async (stack) => {
    say("an hour of rows at 1 kHz goes into the spool …");
    const filled = await fill(stack, signal);
    results.push(memoryOfAnHour(filled));
    say(`${filled.batches} batches, ${filled.spoolMb.toFixed(0)} MB; the agent starts and drains them …`);
    const drained = await drain(stack, filled, signal);
    results.push(...drained.results);
    say("what telemetry costs …");
    results.push(...(await cost(stack, drained.agent, signal)));
  });
  yield* results;
}

async function fill({ home }: AgentStack, signal: AbortSignal): Promise<Filled> {
  await mkdir(home, { recursive: true });
  await writeFile(join(home, "boot"), `${OUTAGE_BOOT}\n`);
  const options = { dir: join(home, "spool"), boot: OUTAGE_BOOT, seconds: OUTAGE_S, hz: HZ };
  const args = ["--expose-gc", join(BENCH, "telemetry/agent-fill.mjs"), JSON.stringify(options)];
  const { stdout } = await run(process.execPath, args, { signal });
  return JSON.parse(stdout) as Filled;
}

function memoryOfAnHour({ settledMb, filledMb, spoolMb }: Filled): BenchResult {
  const note = `resident memory in the last ten minutes of an hour's rows (${spoolMb.toFixed(0)} MB on disk), none of them delivered, against that in ten minutes after the first five; medians of ten`;
  const measured = {
    name: "telemetry/agent/memory",
    value: filledMb,
    unit: "MB",
    peer: "early",
    peerValue: settledMb,
  };
  return compare({ ...measured, note }, { comparison: "<=", ratio: MEMORY_LIMIT });
}

/** From the agent's start until all of the outage is stored, while it goes on sampling. */
async function drain(
  stack: AgentStack,
  filled: Filled,
  signal: AbortSignal,
): Promise<{ results: BenchResult[]; agent: SpawnedService }> {
  const watch = await AgentWatch.connect(stack.broker, OUTAGE_BOOT);
  const startedMs = performance.now();
  const service = await stack.startAgent(HZ);
  const pid = pidOf(service);
  const beforeMb = await residentMbOf(pid);
  let peakMb = beforeMb;
  while (watch.stored < filled.batches) {
    await sleep(200, undefined, { signal });
    peakMb = Math.max(peakMb, await residentMbOf(pid));
    if (performance.now() - startedMs > DRAIN_LIMIT_S * 1000) {
      throw new BenchError(`${watch.stored} of ${filled.batches} batches are stored after ${DRAIN_LIMIT_S} s`, {
        code: "not-drained",
      });
    }
  }
  const tookS = (performance.now() - startedMs) / 1000;
  await watch.close();
  const ages = watch.agesS.toSorted((a, b) => a - b);
  const stored = watch.storedAgesS.toSorted((a, b) => a - b);
  const quantile = (of: readonly number[], q: number) => of[Math.floor(q * (of.length - 1))] ?? Number.NaN;
  const told = (of: readonly number[]) => [0.5, 0.99, 1].map((q) => quantile(of, q).toFixed(2)).join(" / ");
  const results = [
    compare(
      {
        name: "telemetry/agent/drain",
        value: OUTAGE_S / tookS,
        unit: "× real time",
        peer: "limit",
        peerValue: DRAIN_LIMIT,
        note: `${filled.batches} batches of ${OUTAGE_S} s at ${HZ} Hz stored in InfluxDB ${tookS.toFixed(0)} s after the agent's start; its memory ${beforeMb.toFixed(0)} MB at its start, ${peakMb.toFixed(0)} MB at most`,
      },
      { comparison: ">=", ratio: 1 },
    ),
    compare(
      {
        name: "telemetry/agent/live-age",
        value: quantile(ages, 0.99),
        unit: "s",
        peer: "limit",
        peerValue: AGE_LIMIT_S,
        note: `p99 of the age of the oldest row of ${ages.length} live batches as they reach ingest while the backlog drains; a batch takes 0.5 s to fill. Median / p99 / max ${told(ages)} s, and ${told(stored)} s until they are stored`,
      },
      { comparison: "<=", ratio: 1 },
    ),
  ];
  return { results, agent: service };
}

/** What main process and sampler take of a core, with the backlog gone and the agent at rest but for its rows. */
async function cost(stack: AgentStack, service: SpawnedService, signal: AbortSignal): Promise<BenchResult[]> {
  const main = pidOf(service);
  const sampler = await childOf(main, "sampler/child.js");
  await sleep(SETTLE_S * 1000, undefined, { signal });
  const mains: number[] = [];
  const samplers: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const [mainPct = Number.NaN, samplerPct = Number.NaN] = await shares([main, sampler], signal);
    mains.push(mainPct);
    samplers.push(samplerPct);
  }
  await service.stop();
  const rows = await rowsOfSampler(stack, signal);
  const [mainPct, samplerPct, rowsPct] = [spreadOf(mains), spreadOf(samplers), spreadOf(rows)];
  const spread = `min / median / max of ${ROUNDS} windows of ${WINDOW_S} s`;
  return [
    compare(
      {
        name: "telemetry/agent/cpu",
        value: mainPct.median + Math.max(0, rowsPct.median),
        unit: "% of a core",
        peer: "limit",
        peerValue: CPU_LIMIT_PCT,
        note: `main process ${describeSpread(mainPct, 2)} %, and what ${HZ} rows a second instead of 10 add to the sampler ${describeSpread(rowsPct, 2)} %; ${spread}`,
      },
      { comparison: "<=", ratio: 1 },
    ),
    compare(
      {
        name: "telemetry/agent/cpu-sampler",
        value: samplerPct.median,
        unit: "% of a core",
        peer: null,
        peerValue: null,
        note: `the whole sampler child, most of it the meter's ${HZ} readings a second over i2c-bus: ${describeSpread(samplerPct, 2)} %; ${spread}`,
      },
      null,
    ),
  ];
}

/** What rows of telemetry add to a sampler that reads at the same rate, in turn with and without. */
async function rowsOfSampler({ sampler: { start, env } }: AgentStack, signal: AbortSignal): Promise<number[]> {
  await using child = new AgentChild("sampler/child.js", [JSON.stringify(start)], env);
  await child.next("opened");
  const differences: number[] = [];
  for (let round = -1; round < ROUNDS; round++) {
    const [many, few] = [await sharesAt(child, HZ, signal), await sharesAt(child, 10, signal)];
    if (round >= 0) differences.push(many - few);
  }
  return differences;
}

async function sharesAt(child: AgentChild, meansHz: number, signal: AbortSignal): Promise<number> {
  child.send({ type: "rate", rate: HZ, keepS: 0, meansHz });
  await sleep(500, undefined, { signal });
  const [share = Number.NaN] = await shares([child.pid], signal);
  return share;
}

/** Shares of a core that processes take in a window, %. */
async function shares(pids: readonly number[], signal: AbortSignal): Promise<number[]> {
  const startedMs = performance.now();
  const before = await Promise.all(pids.map(cpuUsOf));
  await sleep(WINDOW_S * 1000, undefined, { signal });
  const after = await Promise.all(pids.map(cpuUsOf));
  const tookUs = (performance.now() - startedMs) * 1000;
  return after.map((us, i) => (100 * (us - (before[i] ?? 0))) / tookUs);
}

function pidOf({ child }: SpawnedService): number {
  return child.pid ?? Number.NaN;
}
