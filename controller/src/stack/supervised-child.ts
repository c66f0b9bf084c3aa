import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { EXIT, systemClock } from "@edgewatt/runtime";
import { z } from "zod";
import { ChildError } from "../errors.ts";

/** What a service announces when it is ready. */
export type Ready = Readonly<Record<string, unknown>>;

export interface ChildSpec {
  readonly name: string;
  readonly script: string;
  /** The flags of a start; `previous` is what the first start announced, so that a restart takes the same ports. */
  readonly args: (previous: Ready | undefined) => readonly string[];
  /** How long an orderly end may take before the child is killed. */
  readonly stopTimeoutMs: number;
}

export interface ChildEvents {
  /** A line that the child wrote on stderr. */
  readonly onLine: (name: string, line: string) => void;
  /** The child ended by itself and is started again after a pause. */
  readonly onCrash: (name: string, how: string, restartInMs: number) => void;
}

const LAST_WORDS_MS = 500;
const READY_TIMEOUT_MS = 30_000;
const MIN_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;
/** A child that ran this long counts as healthy again. */
const HEALTHY_MS = 60_000;

interface Running {
  readonly process: ChildProcess;
  readonly ready: Ready;
  /** How it ended. */
  readonly ended: Promise<string>;
}

/** The last line that says why, without the prefix that the service puts before it. */
function reasonIn(lines: readonly string[], name: string): string {
  const line =
    lines.findLast((text) => text.startsWith("edgewatt ")) ??
    lines.find((text) => /^\w*Error\b/.test(text)) ??
    lines.at(-1) ??
    "it said nothing";
  return line.replace(`edgewatt ${name}: `, "");
}

/**
 * A service as a child process that ends when we do (by its IPC channel), leads its own process group, so that a Ctrl-C
 * at the terminal does not reach it before its turn, and is started again when it crashes.
 */
export class SupervisedChild {
  readonly name: string;
  /** What the first start announced. */
  readonly ready: Ready;
  readonly #spec: ChildSpec;
  readonly #events: ChildEvents;
  readonly #stopping = new AbortController();
  #running: Running | undefined;
  #starting: ChildProcess | undefined;
  readonly #supervision: Promise<void>;

  private constructor(spec: ChildSpec, events: ChildEvents, first: Running) {
    this.name = spec.name;
    this.ready = first.ready;
    this.#spec = spec;
    this.#events = events;
    this.#running = first;
    this.#supervision = this.#supervise(first);
  }

  /** Resolves when the child is ready. @throws {ChildError} with the child's own reason and exit code when it is not */
  static async start(spec: ChildSpec, events: ChildEvents, signal?: AbortSignal): Promise<SupervisedChild> {
    const starting: { child?: ChildProcess } = {};
    const giveUp = (): void => void starting.child?.kill("SIGTERM");
    signal?.addEventListener("abort", giveUp);
    try {
      const first = await launch(spec, events, undefined, (child) => void (starting.child = child));
      return new SupervisedChild(spec, events, first);
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
  }

  /** Asks the child to end and waits; kills it when that takes too long. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    // Not SIGKILL: a guard that is starting may have its database running already.
    this.#starting?.kill("SIGTERM");
    const running = this.#running;
    if (running !== undefined) {
      running.process.kill("SIGTERM");
      const timer = setTimeout(() => running.process.kill("SIGKILL"), this.#spec.stopTimeoutMs);
      await running.ended;
      clearTimeout(timer);
    }
    await this.#supervision;
  }

  async #supervise(first: Running): Promise<void> {
    const { signal } = this.#stopping;
    let current = first;
    let backoffMs = MIN_BACKOFF_MS;
    while (!signal.aborted) {
      const startedMs = performance.now();
      let how = await current.ended;
      this.#running = undefined;
      if (performance.now() - startedMs > HEALTHY_MS) backoffMs = MIN_BACKOFF_MS;
      for (;;) {
        if (signal.aborted) return;
        this.#events.onCrash(this.name, how, backoffMs);
        await systemClock.sleep(backoffMs, signal).catch(() => undefined);
        if (signal.aborted) return;
        backoffMs = Math.min(backoffMs * 2, MAX_BACKOFF_MS);
        try {
          current = await launch(this.#spec, this.#events, this.ready, (child) => void (this.#starting = child));
          break;
        } catch (error) {
          if (!(error instanceof ChildError)) throw error;
          how = error.message;
        } finally {
          this.#starting = undefined;
        }
      }
      this.#running = current;
    }
  }
}

async function launch(
  spec: ChildSpec,
  events: ChildEvents,
  previous: Ready | undefined,
  onSpawn: (child: ChildProcess) => void,
): Promise<Running> {
  const child = fork(spec.script, [...spec.args(previous)], {
    detached: true,
    execArgv: [],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  onSpawn(child);
  let early: string[] | undefined = [];
  const errors = createInterface({ input: child.stderr as NodeJS.ReadableStream });
  errors.on("line", (line) => (early === undefined ? events.onLine(spec.name, line) : early.push(line)));
  const ended = endOf(child);

  // A child that never gets ready is killed, and then counts as one that ended.
  const timer = setTimeout(() => child.kill("SIGKILL"), READY_TIMEOUT_MS);
  const ready = await Promise.race([readyLine(spec.name, child), ended.then(() => undefined)]);
  clearTimeout(timer);
  if (ready === undefined) {
    const how = await ended;
    throw new ChildError(`${spec.name} did not start (${how}): ${reasonIn(early, spec.name)}`, child.exitCode || 1, {
      name: spec.name,
    });
  }
  for (const line of early) events.onLine(spec.name, line);
  early = undefined;
  return { process: child, ready, ended };
}

function readyLine(name: string, child: ChildProcess): Promise<Ready> {
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).once("line", (line) => {
      try {
        resolve(z.looseObject({ ready: z.literal(true) }).parse(JSON.parse(line)));
      } catch (cause) {
        child.kill("SIGKILL");
        reject(new ChildError(`${name} did not announce itself but said: ${line}`, EXIT.failed, { name, cause }));
      }
    });
  });
}

/** What is left in the pipes after the exit is waited for, but not long: a grandchild may hold them open. */
async function endOf(child: ChildProcess): Promise<string> {
  const closed = once(child, "close");
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  await Promise.race([closed, systemClock.sleep(LAST_WORDS_MS)]);
  return signal === null ? `exit code ${code}` : `signal ${signal}`;
}
