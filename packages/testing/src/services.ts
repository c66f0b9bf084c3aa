import type { ChildProcess } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { ChildEnd } from "./child.ts";
import { startChild } from "./child.ts";
import { TestingError } from "./errors.ts";

export interface SpawnServiceOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Default 45,000. */
  readonly readyTimeoutMs?: number;
}

/** A service of ours as a real process. */
export interface SpawnedService {
  /** The document of the ready line. */
  // oxlint-disable-next-line typescript/no-explicit-any -- each service has its own keys, and a test names those it expects
  readonly ready: Record<string, any>;
  readonly child: ChildProcess;
  readonly stop: (signal?: NodeJS.Signals) => Promise<ChildEnd>;
  readonly stderr: () => string;
}

/** Starts the bin of a service with `--json` and waits for its ready line. The service dies with the test. Throws TestingError. */
export async function spawnService(
  bin: string | URL,
  args: readonly string[],
  options: SpawnServiceOptions = {},
): Promise<SpawnedService> {
  const { env, cwd, readyTimeoutMs = 45_000 } = options;
  const file = bin instanceof URL ? fileURLToPath(bin) : bin;
  const json = args.includes("--json") ? [] : ["--json"];
  const started = startChild(process.execPath, [file, ...args, ...json], {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: { ...process.env, ...env },
    ...(cwd === undefined ? {} : { cwd }),
  });
  const { child, ended, stderr } = started;
  const lines = new Promise<string>((resolve) => {
    child.stdout?.on("data", () => {
      const end = started.stdout().indexOf("\n");
      if (end >= 0) resolve(started.stdout().slice(0, end));
    });
  });
  const first = await Promise.race([lines, ended, sleep(readyTimeoutMs, "late" as const, { ref: false })]);
  if (typeof first === "string" && first !== "late") {
    return { ready: JSON.parse(first), child, stop: started.stop, stderr };
  }
  if (first === "late") await started.stop("SIGKILL");
  const how =
    first === "late"
      ? `was not ready within ${readyTimeoutMs / 1000} s`
      : `ended with code ${first.code} before it was ready`;
  throw new TestingError(`${file} ${how}\n${stderr()}`, { code: "not-ready" });
}

export interface CommandResult extends ChildEnd {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a bin of ours to its end; after `timeoutMs` (90,000) it is killed and its code is null. */
export async function runCommand(
  bin: string | URL,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string; timeoutMs?: number } = {},
): Promise<CommandResult> {
  const { env, cwd, timeoutMs = 90_000 } = options;
  const file = bin instanceof URL ? fileURLToPath(bin) : bin;
  const started = startChild(process.execPath, [file, ...args], {
    env: { ...process.env, ...env },
    timeout: timeoutMs,
    killSignal: "SIGKILL",
    ...(cwd === undefined ? {} : { cwd }),
  });
  const end = await started.ended;
  return { ...end, stdout: started.stdout(), stderr: started.stderr() };
}
