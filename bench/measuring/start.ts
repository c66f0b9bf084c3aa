import { describeSpread, spreadOf } from "../processes.ts";
import { zooModels } from "../quantizer/material.ts";
import { compare, type BenchContext, type BenchResult, type Suite } from "../suite.ts";
import { AgentChild, monotonicUs } from "./agent-child.ts";
import { inSimulation } from "./simulation.ts";

const STARTS = 7;
const LIMIT_MS = 300;

/** From the start of a child to what it is there for: the sampler's first reading, the runner's loaded model. */
export const start: Suite = { run: measure };

async function* measure({ signal }: BenchContext): AsyncGenerator<BenchResult> {
  yield await inSimulation(async ({ sampler, env }) => {
    const times = await repeat(signal, async (sinceUs) => {
      await using child = new AgentChild("sampler/child.js", [JSON.stringify(sampler)], env);
      await child.next("opened");
      for (;;) {
        child.send({ type: "trace", id: 1, channel: "main", fromUs: sinceUs, toUs: monotonicUs() });
        const { tUs } = await child.next("trace");
        if (tUs instanceof Float64Array && tUs[0] !== undefined) return (tUs[0] - sinceUs) / 1000;
      }
    });
    return limited("measuring/start/first-sample", times, "of the simulated INA219");
  });
  const [model] = await zooModels();
  if (model === undefined) return;
  const times = await repeat(signal, async (sinceUs) => {
    await using child = new AgentChild("runner/child.js");
    child.send({
      type: "load",
      modelPath: model.path,
      threads: 1,
      spinning: false,
      graphOptimization: "all",
      batch: 1,
    });
    await child.next("loaded");
    return (monotonicUs() - sinceUs) / 1000;
  });
  yield limited("measuring/start/session-loaded", times, model.name);
}

async function repeat(signal: AbortSignal, once: (sinceUs: number) => Promise<number>): Promise<number[]> {
  const times: number[] = [];
  // The first start reads the files from disk and is not counted.
  for (let i = 0; i <= STARTS; i++) {
    signal.throwIfAborted();
    const ms = await once(monotonicUs());
    if (i > 0) times.push(ms);
  }
  return times;
}

function limited(name: string, times: readonly number[], what: string): BenchResult {
  const spread = spreadOf(times);
  return compare(
    {
      name,
      value: spread.median,
      unit: "ms",
      peer: "limit",
      peerValue: LIMIT_MS,
      note: `${what}, ${STARTS} starts, min / median / max ${describeSpread(spread, 0)} ms`,
    },
    { comparison: "<=", ratio: 1 },
  );
}
