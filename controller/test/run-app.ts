import { Readable } from "node:stream";
import { runApp } from "../src/app.ts";

export interface AppRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line in this process, with nothing of this machine's environment but what is given. */
export async function runHere(
  args: readonly string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv; signal?: AbortSignal; stdin?: Readable },
): Promise<AppRun> {
  let stdout = "";
  let stderr = "";
  const exitCode = await runApp(args, {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    stdin: options.stdin ?? Readable.from([]),
    env: options.env ?? {},
    cwd: options.cwd,
    signal: options.signal ?? new AbortController().signal,
  });
  return { exitCode, stdout, stderr };
}
