import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** What became of one file. */
export interface Outcome {
  readonly file: string;
  readonly ok: boolean;
  /** Whether the error is one that the packages raise on purpose. */
  readonly own?: boolean;
  readonly code?: string;
  readonly message?: string;
  readonly stack?: string;
  /** Files that were left behind. */
  readonly left?: readonly string[];
  readonly ms?: number;
  readonly peakMb?: number;
  /** How the process died at this file, if it did. */
  readonly died?: string;
}

const script = fileURLToPath(new URL("quantize-files.mjs", import.meta.url));

/** A file that takes longer hangs: most take some milliseconds, and the slowest under two seconds on two busy cores. */
const LONGEST_MS = 60_000;
/** Far beyond what any file should need, far below what the machine has. */
const LARGEST_MB = 3_000;

/** Quantizes files in child processes, a new one wherever the last one died, hung or took too much memory. */
export async function runFiles(files: readonly string[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  while (outcomes.length < files.length) {
    const rest = files.slice(outcomes.length);
    const found = await runOnce(rest);
    outcomes.push(...found.outcomes);
    if (found.died !== undefined)
      outcomes.push({ file: rest[found.outcomes.length] ?? "", ok: false, died: found.died });
  }
  return outcomes;
}

async function runOnce(files: readonly string[]): Promise<{ outcomes: Outcome[]; died: string | undefined }> {
  let died: string | undefined;
  const child = spawn(process.execPath, ["--max-old-space-size=512", script], { stdio: ["pipe", "pipe", "pipe"] });
  // Not as arguments: ONNX Runtime 1.30 ends the process where these are longer than 32 KB.
  child.stdin.on("error", () => (died ??= "ended before it had read its list of files"));
  child.stdin.end(files.join("\n"));
  const outcomes: Outcome[] = [];
  let lastMs = Date.now();
  const watch = setInterval(() => {
    const megabytes = residentMb(child.pid);
    if (Date.now() - lastMs > LONGEST_MS) died = `hung for ${LONGEST_MS} ms`;
    if (megabytes > LARGEST_MB) died = `took ${megabytes} MB`;
    if (died !== undefined) child.kill("SIGKILL");
  }, 50);
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-2000)));
  const exited = new Promise<string>((resolve) => child.on("close", (code, signal) => resolve(`${signal ?? code}`)));
  for await (const line of createInterface({ input: child.stdout })) {
    lastMs = Date.now();
    const { end, ...outcome } = JSON.parse(line) as { end?: string } & Omit<Outcome, "file">;
    if (end !== undefined) outcomes.push({ file: end, ...outcome });
  }
  const exit = await exited;
  clearInterval(watch);
  if (outcomes.length < files.length) died ??= `exit ${exit}: ${errors}`;
  return { outcomes, died };
}

function residentMb(pid: number | undefined): number {
  try {
    const found = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid ?? 0}/status`, "utf8"));
    return Number(found?.[1] ?? 0) / 1000;
  } catch {
    // It has just ended, or this system does not tell.
    return 0;
  }
}
