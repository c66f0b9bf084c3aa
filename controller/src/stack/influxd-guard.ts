import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import {
  identityOf,
  isAlive,
  listenForStop,
  processIdentitySchema,
  systemClock,
  writeFileAtomic,
} from "@edgewatt/runtime";

/*
 * Stands between a stack and its influxd, which knows nothing of IPC channels: when the stack dies, however it dies, this
 * process notices by its channel and ends the database. Should this process itself be killed, the next one ends the
 * influxd that was left, because two of them on one folder would spoil it.
 */

const STOP_TIMEOUT_MS = 10_000;
const PING_EVERY_MS = 50;

async function endLeftover(pidFile: string): Promise<void> {
  let text: string;
  try {
    text = await readFile(pidFile, "utf8");
  } catch {
    return;
  }
  const leftover = processIdentitySchema.parse(JSON.parse(text));
  if (isAlive(leftover)) process.kill(leftover.pid, "SIGTERM");
  const deadlineMs = performance.now() + STOP_TIMEOUT_MS;
  while (isAlive(leftover)) {
    if (performance.now() > deadlineMs) process.kill(leftover.pid, "SIGKILL");
    await systemClock.sleep(PING_EVERY_MS);
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/ping`, { signal: AbortSignal.timeout(1_000) });
    return response.ok;
  } catch {
    // Not listening yet.
    return false;
  }
}

async function stop(database: ChildProcess): Promise<void> {
  if (database.exitCode !== null || database.signalCode !== null) return;
  database.kill("SIGTERM");
  const timer = setTimeout(() => database.kill("SIGKILL"), STOP_TIMEOUT_MS);
  await once(database, "exit");
  clearTimeout(timer);
}

const [influxd = "", configFile = "", url = "", pidFile = ""] = process.argv.slice(2);
const stopping = listenForStop({ timeoutMs: 2 * STOP_TIMEOUT_MS, onTimeout: () => undefined });
await endLeftover(pidFile);
const database = spawn(influxd, ["-config", configFile], { stdio: ["ignore", "ignore", "inherit"] });
const ended = once(database, "exit").then(() => "ended" as const);
if (database.pid !== undefined) await writeFileAtomic(pidFile, JSON.stringify(identityOf(database.pid)));

async function ready(): Promise<"ready"> {
  while (!stopping.signal.aborted && !(await answers(url))) await systemClock.sleep(PING_EVERY_MS);
  return "ready";
}

if ((await Promise.race([ready(), ended])) === "ready" && !stopping.signal.aborted) {
  process.stdout.write(`${JSON.stringify({ ready: true, influx: url })}\n`);
  await Promise.race([stopping.requested, ended]);
}
process.exitCode = stopping.signal.aborted ? 0 : 1;
await stop(database);
await rm(pidFile, { force: true });
if (process.connected) process.disconnect();
