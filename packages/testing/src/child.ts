import { spawn } from "node:child_process";
import type { ChildProcess, SpawnOptions } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { TestingError } from "./errors.ts";
import { findCommand } from "./require-system.ts";

export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process that a test started, with what it wrote and how it ended. */
export interface TestChild {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves when the process has ended and what it wrote has been read. */
  readonly ended: Promise<ChildEnd>;
  /** Signals and waits; a process that is still there after 45 s is killed, and that is a TestingError. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<ChildEnd>;
}

const STOP_TIMEOUT_MS = 45_000;
const OUTPUT_TIMEOUT_MS = 5_000;

/** Bounded, because a grandchild that lives on may hold the pipes open. */
async function readToEnd({ stdout, stderr }: ChildProcess): Promise<void> {
  const open = [stdout, stderr].filter((stream) => stream !== null && !stream.readableEnded);
  const ends = open.map((stream) => once(stream as Readable, "close"));
  await Promise.race([Promise.all(ends), sleep(OUTPUT_TIMEOUT_MS, undefined, { ref: false })]);
}

export function startChild(command: string, args: readonly string[], options: SpawnOptions = {}): TestChild {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = new Promise<ChildEnd>((resolve) => {
    child.once("error", (error) => {
      stderr += error.message;
      resolve({ code: null, signal: null });
    });
    child.once("exit", (code, signal) => {
      void readToEnd(child).then(() => resolve({ code, signal }));
    });
  });
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    async stop(signal = "SIGTERM") {
      child.kill(signal);
      const late = sleep(STOP_TIMEOUT_MS, "late" as const, { ref: false });
      const end = await Promise.race([ended, late]);
      if (end !== "late") return end;
      child.kill("SIGKILL");
      throw new TestingError(`${command} did not end within ${STOP_TIMEOUT_MS / 1000} s of ${signal}\n${stderr}`, {
        code: "stop-timeout",
      });
    },
  };
}

/** Starts a program that knows nothing of us so that it dies with this process, however that ends. */
export function startProgram(command: string, args: readonly string[]): TestChild {
  const setpriv = findCommand("setpriv");
  return setpriv ? startChild(setpriv, ["--pdeathsig", "KILL", command, ...args]) : startChild(command, args);
}
