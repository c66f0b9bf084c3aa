import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { BenchError } from "../errors.ts";
import { BENCH } from "../paths.ts";
import { spreadOf } from "../processes.ts";
import { AgentChild } from "./agent-child.ts";

/** All sides alike: what ONNX Runtime computes with, and no reports to its makers. */
const THREADS = 1;
const ENV = { ORT_DISABLE_TELEMETRY: "1" } as const;

/** A fresh process with a model loaded and warm. */
export interface LatencySide extends AsyncDisposable {
  /** Median time of a run, ms, in a window of back-to-back runs. */
  window(seconds: number): Promise<number>;
}

/**
 * The agent's runner child.
 * @param library another build of ONNX Runtime for it: the loader takes a library that is there already for one of the same name
 * @throws BenchError `library-not-taken` when the child runs on another one
 */
export async function startRunner(modelPath: string, library?: string): Promise<LatencySide> {
  const runner = new AgentChild("runner/child.js", [], {
    ...ENV,
    ...(library === undefined ? {} : { LD_PRELOAD: library }),
  });
  try {
    runner.send({ type: "load", modelPath, threads: THREADS, spinning: false, graphOptimization: "all", batch: 1 });
    await runner.next("loaded");
    if (library !== undefined) await checkLibrary(runner.pid, library);
    runner.send({ type: "warmUp", minRuns: 100, minS: 0, capS: 3, steadyS: null });
    await runner.next("warm");
  } catch (error) {
    await runner[Symbol.asyncDispose]();
    throw error;
  }
  return {
    async window(seconds) {
      runner.send({ type: "window", windowS: seconds, minRuns: 10, leadInRuns: 10 });
      const { latenciesMs } = await runner.next("window");
      if (latenciesMs instanceof Float64Array) return spreadOf([...latenciesMs]).median;
      throw new BenchError("the runner gave no latencies", { code: "no-window" });
    },
    [Symbol.asyncDispose]: () => runner[Symbol.asyncDispose](),
  };
}

async function checkLibrary(pid: number, library: string): Promise<void> {
  const mapped = [...(await readFile(`/proc/${pid}/maps`, "utf8")).matchAll(/\S*\/libonnxruntime\.so\S*/g)];
  const taken = [...new Set(mapped.map(([path]) => path))];
  if (taken.length === 1 && taken[0] === library) return;
  throw new BenchError(`the runner was to run on ${library}, but has loaded ${taken.join(", ") || "none"}`, {
    code: "library-not-taken",
    context: { library, taken },
  });
}

/** A bare loop over onnxruntime-node. */
export function startBareLoop(modelPath: string): Promise<LatencySide> {
  return startLoop(process.execPath, "measuring/bare-loop.mjs", modelPath);
}

/** The same loop in Python. */
export function startPython(modelPath: string, python: string): Promise<LatencySide> {
  return startLoop(python, "measuring/latency.py", modelPath);
}

async function startLoop(command: string, script: string, modelPath: string): Promise<LatencySide> {
  const child = spawn(command, [join(BENCH, script), modelPath, String(THREADS)], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, ...ENV },
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
