import { execFile } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { cpuUsOf } from "../cpu-time.ts";
import { BenchError } from "../errors.ts";
import { BENCH } from "../paths.ts";
import { spreadOf } from "../processes.ts";
import { compare, type BenchContext, type BenchResult, type Goal, type Suite } from "../suite.ts";
import { AgentChild, monotonicUs } from "./agent-child.ts";
import { inSimulation, type Simulation } from "./simulation.ts";

const run = promisify(execFile);

const ROUNDS = 5;
const WINDOW_S = 5;
/** V8 compiles the loop while it runs; what it costs for good is seen after that. */
const SETTLE_S = 8;
const PEER = "a plain loop in C";
/** A number with fractions, as an object on V8's heap; a look at the clock makes up to two. */
const NUMBER_BYTES = 16;
const NUMBERS_PER_LOOK = 2;

/** What one side did with a window of time on the simulated bus. */
interface Sampled {
  readonly rateHz: number;
  /** p99 of |interval − median interval|. */
  readonly jitterUs: number;
  readonly cpuUsPerReading: number;
}

/** The sampler child with the real i2c-bus addon against a loop in C, windows in turn on the same simulated INA219. */
export const sampler: Suite = { run: measure };

async function* measure({ signal }: BenchContext): AsyncGenerator<BenchResult> {
  const { ours, theirs, allocation } = await inSimulation(async (simulation) => {
    const loop = join(simulation.folder, "plain-loop");
    await run("gcc", ["-O2", "-o", loop, join(BENCH, "measuring/plain-loop.c"), "-lm"]);
    const rounds: { ours: Sampled; theirs: Sampled }[] = [];
    await using child = await startSampler(simulation);
    await sleep(SETTLE_S * 1000, undefined, { signal });
    for (let round = 0; round < ROUNDS; round++) {
      rounds.push({ ours: await sampleOurs(child, signal), theirs: await sampleTheirs(loop, simulation, signal) });
    }
    return {
      ours: rounds.map((round) => round.ours),
      theirs: rounds.map((round) => round.theirs),
      allocation: await allocated(simulation, signal),
    };
  });
  const figure = (key: keyof Sampled, name: string, unit: string, goal: Goal): BenchResult => {
    const [own, other] = [spreadOf(ours.map((one) => one[key])), spreadOf(theirs.map((one) => one[key]))];
    const spread = ({ min, median, max }: typeof own) =>
      [min, median, max].map((value) => value.toFixed(1)).join(" / ");
    const note = `${ROUNDS} windows of ${WINDOW_S} s in turn, min / median / max: ours ${spread(own)}, theirs ${spread(other)}`;
    return compare(
      { name: `measuring/sampler/${name}`, value: own.median, unit, peer: PEER, peerValue: other.median, note },
      goal,
    );
  };
  yield figure("rateHz", "rate", "Hz", { comparison: ">=", ratio: 0.95 });
  yield figure("jitterUs", "jitter-p99", "µs", { comparison: "<=", ratio: 2 });
  yield figure("cpuUsPerReading", "cpu", "µs per reading", { comparison: "<=", ratio: 2 });
  yield compare(
    {
      name: "measuring/sampler/allocation",
      value: allocation.bytes,
      unit: "bytes per reading",
      peer: "the numbers of the clock alone",
      peerValue: NUMBER_BYTES * NUMBERS_PER_LOOK * allocation.clockReadings,
      note: `growth of the heap per reading at full rate, beyond that at 10 Hz in the same time; Node.js gives each look at the clock (${allocation.clockReadings.toFixed(1)} per reading) as an object, and its sum with an offset may be one more`,
    },
    // The goal would be none at all, which a ratio to what Node.js takes cannot show as reached.
    null,
  );
}

async function startSampler({ sampler: start, env }: Simulation): Promise<AgentChild> {
  const child = new AgentChild("sampler/child.js", [JSON.stringify(start)], env);
  await child.next("opened");
  child.send({ type: "rate", rate: "full", keepS: 0 });
  return child;
}

async function sampleOurs(child: AgentChild, signal: AbortSignal): Promise<Sampled> {
  const [fromUs, fromCpuUs] = [monotonicUs(), await cpuUsOf(child.pid)];
  await sleep(WINDOW_S * 1000, undefined, { signal });
  const [toUs, toCpuUs] = [monotonicUs(), await cpuUsOf(child.pid)];
  child.send({ type: "trace", id: 1, channel: "main", fromUs, toUs });
  const { tUs } = await child.next("trace");
  if (!(tUs instanceof Float64Array) || tUs.length < 3)
    throw new BenchError("the sampler read nothing", { code: "no-trace" });
  const inside = tUs.filter((t) => t >= fromUs && t <= toUs);
  const intervals = [...inside.subarray(1)].map((t, i) => t - (inside[i] ?? 0));
  const { median } = spreadOf(intervals);
  const deviations = intervals.map((interval) => Math.abs(interval - median)).toSorted((a, b) => a - b);
  return {
    rateHz: inside.length / ((toUs - fromUs) / 1e6),
    jitterUs: deviations[Math.floor(0.99 * (deviations.length - 1))] ?? Number.NaN,
    cpuUsPerReading: (toCpuUs - fromCpuUs) / inside.length,
  };
}

async function sampleTheirs(loop: string, { bus, address, env }: Simulation, signal: AbortSignal): Promise<Sampled> {
  const args = [String(bus), String(address), String(WINDOW_S)];
  const { stdout } = await run(loop, args, { env: { ...process.env, ...env }, signal });
  const [readings = Number.NaN, jitterUs = Number.NaN, cpuUs = Number.NaN] = stdout.split(" ").map(Number);
  return { rateHz: readings / WINDOW_S, jitterUs, cpuUsPerReading: cpuUs / readings };
}

/** Growth of the sampler's heap per reading, from a program that runs the agent's own loop in a process of its own. */
async function allocated(
  { sampler: start, env }: Simulation,
  signal: AbortSignal,
): Promise<{ bytes: number; clockReadings: number }> {
  // A young generation so large that nothing is collected meanwhile: then what the heap has grown by is what was allocated.
  const flags = ["--expose-gc", "--min-semi-space-size=64", "--max-semi-space-size=64"];
  const args = [...flags, join(BENCH, "measuring/allocation.mjs"), JSON.stringify(start)];
  const { stdout } = await run(process.execPath, args, { env: { ...process.env, ...env }, signal });
  return JSON.parse(stdout) as { bytes: number; clockReadings: number };
}
