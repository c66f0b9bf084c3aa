import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import {
  type CommandResult,
  runCommand,
  type SpawnedService,
  spawnService,
  startChild,
  type TestChild,
  TestingError,
} from "@edgewatt/testing";

const EDGEWATT = new URL("../controller/bin/edgewatt.js", import.meta.url);

/** A folder to run in, which is the data folder too. */
export interface Place {
  readonly dir: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** What a developer's shell may set must not change a test; empty counts as unset. */
function environment({ dir, env }: Place): NodeJS.ProcessEnv {
  return { EDGEWATT_DATASETS: "", EDGEWATT_BROKER: "", EDGEWATT_DATA: dir, ...env };
}

/** Runs `edgewatt` to its end. */
export function edgewatt(place: Place, args: readonly string[], timeoutMs?: number): Promise<CommandResult> {
  return runCommand(EDGEWATT, args, {
    cwd: place.dir,
    env: environment(place),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
}

/** Starts `edgewatt` to be interrupted; it dies with the test. */
export function startEdgewatt(place: Place, args: readonly string[]): TestChild {
  return startChild(process.execPath, [fileURLToPath(EDGEWATT), ...args], {
    cwd: place.dir,
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: { ...process.env, ...environment(place) },
  });
}

/** The document that a command prints with `--json`; fails with its messages when it did not succeed. */
export async function edgewattJson<T>(place: Place, args: readonly string[], timeoutMs?: number): Promise<T> {
  const { code, stdout, stderr } = await edgewatt(place, [...args, "--json"], timeoutMs);
  if (code !== 0)
    throw new TestingError(`edgewatt ${args.join(" ")} ended with ${code}: ${stderr}`, { code: "command-failed" });
  return JSON.parse(stdout) as T;
}

/** A stack on free ports with its data in the place's folder. */
export function startUp(place: Place, args: readonly string[] = []): Promise<SpawnedService> {
  const ports = ["--mqtt-port", "0", "--http-port", "0"];
  // Five processes, one after the other.
  const readyTimeoutMs = 90_000;
  return spawnService(EDGEWATT, ["up", ...ports, ...args], { cwd: place.dir, env: environment(place), readyTimeoutMs });
}

/** One part of the stack, started as systemd would. */
export function startPart(place: Place, part: string, args: readonly string[]): Promise<SpawnedService> {
  return spawnService(EDGEWATT, [part, ...args], { cwd: place.dir, env: environment(place) });
}

/** All processes that were started with a folder as their data folder, directly or by a stack. */
export async function processesOn(dir: string): Promise<{ readonly pid: number; readonly commandLine: string }[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      try {
        const variables = (await readFile(`/proc/${pid}/environ`, "utf8")).split("\0");
        const commandLine = (await readFile(`/proc/${pid}/cmdline`, "utf8")).replaceAll("\0", " ").trim();
        return variables.includes(`EDGEWATT_DATA=${dir}`) ? [{ pid, commandLine }] : [];
      } catch {
        // Ended while we looked, or not ours.
        return [];
      }
    }),
  );
  return found.flat();
}

/** The data set that `EDGEWATT_DATASETS` names, for tests that are skipped without one. */
export const DATASETS = process.env["EDGEWATT_DATASETS"] || undefined;
