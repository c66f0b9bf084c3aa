import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { BenchError } from "../errors.ts";
import { BENCH } from "../paths.ts";
import { findPythonPeer } from "../peers/python.ts";
import { describeSpread, spreadOf } from "../processes.ts";
import { zooModels } from "../quantizer/material.ts";
import { compare, type BenchContext, type BenchResult, type Suite } from "../suite.ts";
import { AgentChild } from "./agent-child.ts";

const ROUNDS = 30;
const WINDOW_S = 0.5;
const THREADS = 1;

const GOAL = { comparison: "<=", ratio: 1.02 } as const;

/**
 * The time of one image as the runner reports it, windows in turn with the same model in a bare loop over the same binding, which
 * shows what the runner adds, and in Python's onnxruntime where it is installed, which shows what the binding adds to that.
 */
export const latency: Suite = { run: measure };

async function* measure({ signal }: BenchContext): AsyncGenerator<BenchResult> {
  const python = await findPythonPeer();
  for (const model of (await zooModels()).filter((_, index, all) => index === 0 || index === all.length - 1)) {
    await using runner = await startRunner(model.path);
    await using bare = await startPeer(model.path, null);
    const peers = [{ key: "bare-loop", label: "a bare loop over onnxruntime-node", peer: bare }];
    await using reference = python.python === null ? undefined : await startPeer(model.path, python.python);
    if (python.python !== null && reference !== undefined) {
      peers.push({ key: "python", label: `the same loop in ${python.label}`, peer: reference });
    }
    const sides = [
      () => runnerWindow(runner),
      ...peers.map(
        ({ peer }) =>
          () =>
            peer.window(WINDOW_S),
      ),
    ];
    const times: number[][] = sides.map(() => []);
    for (let round = 0; round < ROUNDS; round++) {
      signal.throwIfAborted();
      // Whoever comes later finds a processor that the others have warmed, so each comes first in turn.
      for (let turn = 0; turn < sides.length; turn++) {
        const index = (round + turn) % sides.length;
        times[index]?.push((await sides[index]?.()) ?? Number.NaN);
      }
    }
    const [ours, ...theirs] = times.map(spreadOf);
    if (ours === undefined) return;
    for (const [index, { key, label }] of peers.entries()) {
      const other = theirs[index];
      if (other === undefined) continue;
      const spreads = `ours ${describeSpread(ours, 4)}, theirs ${describeSpread(other, 4)}`;
      yield compare(
        {
          name: `measuring/latency/${model.name}/${key}`,
          value: ours.median,
          unit: "ms",
          peer: label,
          peerValue: other.median,
          note: `median of ${ROUNDS} windows of ${WINDOW_S} s in turn, one thread, min / median / max ms: ${spreads}`,
        },
        GOAL,
      );
    }
  }
}

/** The agent's runner child with a model loaded and warm. */
async function startRunner(modelPath: string): Promise<AgentChild> {
  const runner = new AgentChild("runner/child.js");
  runner.send({ type: "load", modelPath, threads: THREADS, spinning: false, graphOptimization: "all", batch: 1 });
  await runner.next("loaded");
  runner.send({ type: "warmUp", minRuns: 100, minS: 1, capS: 3, steadyS: null });
  await runner.next("warm");
  return runner;
}

/** Median time of a run in a window, as the runner stamped it. */
async function runnerWindow(runner: AgentChild): Promise<number> {
  runner.send({ type: "window", windowS: WINDOW_S, minRuns: 10, leadInRuns: 10 });
  const { latenciesMs } = await runner.next("window");
  if (!(latenciesMs instanceof Float64Array))
    throw new BenchError("the runner gave no latencies", { code: "no-window" });
  return spreadOf([...latenciesMs]).median;
}

interface Peer extends AsyncDisposable {
  window(seconds: number): Promise<number>;
}

async function startPeer(modelPath: string, python: string | null): Promise<Peer> {
  const [command, script] =
    python === null ? [process.execPath, "measuring/bare-loop.mjs"] : [python, "measuring/latency.py"];
  const child = spawn(command, [join(BENCH, script), modelPath, String(THREADS)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "close");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const line = await lines.next();
    if (line.done === true) throw new BenchError(`${script} ended early`, { code: "program-failed" });
    return line.value;
  };
  await next();
  return {
    async window(seconds) {
      child.stdin.write(`${seconds}\n`);
      return Number(await next());
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
