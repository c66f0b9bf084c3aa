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

const ROUNDS = 8;
const WINDOW_S = 2;
const THREADS = 1;

/** The time of one image as the runner reports it, against the same model in a loop of another kind, windows in turn. */
export const latency: Suite = { run: measure };

async function* measure({ signal }: BenchContext): AsyncGenerator<BenchResult> {
  const python = await findPythonPeer();
  for (const model of (await zooModels()).filter((_, index, all) => index === 0 || index === all.length - 1)) {
    await using runner = new AgentChild("runner/child.js");
    runner.send({
      type: "load",
      modelPath: model.path,
      threads: THREADS,
      spinning: false,
      graphOptimization: "all",
      batch: 1,
    });
    await runner.next("loaded");
    runner.send({ type: "warmUp", minRuns: 100, minS: 1, capS: 3, steadyS: null });
    await runner.next("warm");
    await using peer = await startPeer(model.path, python.python);
    const rounds: { ours: number; theirs: number }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      signal.throwIfAborted();
      const measureOurs = () => runnerWindow(runner);
      const measureTheirs = () => peer.window(WINDOW_S);
      // Whoever is second finds a processor that the other has warmed.
      if (round % 2 === 0) rounds.push({ ours: await measureOurs(), theirs: await measureTheirs() });
      else rounds.push(await measureTheirs().then(async (theirs) => ({ theirs, ours: await measureOurs() })));
    }
    const [ours, theirs] = [spreadOf(rounds.map((round) => round.ours)), spreadOf(rounds.map((round) => round.theirs))];
    yield compare(
      {
        name: `measuring/latency/${model.name}`,
        value: ours.median,
        unit: "ms",
        peer: python.python === null ? "a bare loop over onnxruntime-node" : `${python.label}, the same loop`,
        peerValue: theirs.median,
        note: `median of ${ROUNDS} windows of ${WINDOW_S} s in turn, one thread, min / median / max ms: ours ${describeSpread(ours, 4)}, theirs ${describeSpread(theirs, 4)}`,
      },
      { comparison: "<=", ratio: 1.02 },
    );
  }
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
