import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { BenchError } from "./errors.ts";
import { BENCH } from "./paths.ts";

/** A whole program: a script with its arguments, and what runs it. */
export interface Program {
  /** What errors call it. */
  readonly name: string;
  readonly interpreter: "node" | { readonly python: string };
  readonly args: readonly string[];
}

/** From its start to its end, as a user waits for it. */
export interface ProcessRun {
  readonly wallS: number;
  /** Highest resident memory of the process itself, 10^6 bytes. */
  readonly peakMemoryMb: number;
  /** Time of its threads on a processor, which says less of the machine's other work than `wallS`. */
  readonly cpuS: number;
  readonly stdout: string;
}

/** Smallest, middle and largest of some figures. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/**
 * Runs a program to its end and measures it.
 * @throws BenchError with the program's own last words when it fails
 */
export async function runProgram(program: Program, signal: AbortSignal): Promise<ProcessRun> {
  const folder = await mkdtemp(join(tmpdir(), "edgewatt-bench-"));
  const peak = join(folder, "peak");
  try {
    const [file, args] = commandOf(program);
    const startedMs = performance.now();
    const { code, stdout, stderr } = await runChild(file, args, { ...process.env, EDGEWATT_BENCH_PEAK: peak }, signal);
    const wallS = (performance.now() - startedMs) / 1000;
    if (code !== 0) {
      throw new BenchError(`${program.name} ended with ${code}: ${lastLine(stderr)}`, {
        code: "program-failed",
        context: { program: program.name, code, stderr },
      });
    }
    const [bytes = "", cpu = ""] = (await readFile(peak, "utf8")).split(" ");
    return { wallS, peakMemoryMb: Number(bytes) / 1e6, cpuS: Number(cpu), stdout };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Runs programs in turn (A B A B …), so that what else the machine does meets all of them alike; a first round, which
 * warms the file cache, is not counted.
 */
export async function interleave(
  programs: readonly Program[],
  rounds: number,
  signal: AbortSignal,
): Promise<ProcessRun[][]> {
  const runs: ProcessRun[][] = programs.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [index, program] of programs.entries()) {
      const run = await runProgram(program, signal);
      if (round > 0) runs[index]?.push(run);
    }
  }
  return runs;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const median = ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
  return { min: sorted[0] ?? Number.NaN, median, max: sorted.at(-1) ?? Number.NaN };
}

export function describeSpread({ min, median, max }: Spread, digits: number): string {
  return `${min.toFixed(digits)} / ${median.toFixed(digits)} / ${max.toFixed(digits)}`;
}

/** The command with the part ahead of it that notes the peak memory. */
function commandOf({ interpreter, args }: Program): [string, string[]] {
  if (interpreter !== "node") return [interpreter.python, [join(BENCH, "peers/peak_memory.py"), ...args]];
  return [process.execPath, ["--import", pathToFileURL(join(BENCH, "peers/peak-memory.mjs")).href, ...args]];
}

function runChild(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<{ code: number | string; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { env, signal, stdio: ["ignore", "pipe", "pipe"] });
    const text = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => void (text.stdout += chunk));
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => void (text.stderr += chunk));
    child.once("error", reject);
    child.once("close", (code, ended) => resolve({ code: code ?? ended ?? "unknown", ...text }));
  });
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "it said nothing";
}
