import { listenForStop } from "@edgewatt/runtime/process";
import { runApp } from "./app.ts";

/** Stopping a stack in order, with telemetry to drain, or cancelling a job on a device that is busy. */
const STOP_TIMEOUT_MS = 60_000;

const stopping = listenForStop({
  timeoutMs: STOP_TIMEOUT_MS,
  onTimeout: () => void process.stderr.write("edgewatt: the orderly stop took too long; ending now\n"),
});

const exitCode = await runApp(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: process.stdin,
  env: process.env,
  cwd: process.cwd(),
  signal: stopping.signal,
});
process.exitCode = stopping.signal.aborted && stopping.exitCode !== 0 ? stopping.exitCode : exitCode;
