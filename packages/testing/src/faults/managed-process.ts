import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { eventually } from "../eventually.ts";
import { findCommand } from "../require-system.ts";

export interface ProcessSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd: string;
  /** One of ours ends when its IPC channel does; any other is bound to our life by the kernel. */
  readonly ours: boolean;
  /** Resolves when it serves. */
  readonly probe: () => Promise<void>;
}

/** An end that nobody asked for. */
export interface UnexpectedEnd {
  readonly name: string;
  readonly atMs: number;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const RESTART_MS = 300;
/** Ours exits so when its broker is not there at its start, and is started again, as systemd does. */
const UNREACHABLE = 3;
const STOP_LIMIT_MS = 45_000;

/** A process of the stack: whatever ends it, it is started again, on the same ports and folder, until `stop`. */
export class ManagedProcess {
  readonly spec: ProcessSpec;
  readonly log: string;
  readonly unexpected: UnexpectedEnd[] = [];
  #child: ChildProcess;
  #expectEnd = false;
  #stopping = false;
  #ended: Promise<void>;

  private constructor(spec: ProcessSpec, dir: string) {
    this.spec = spec;
    this.log = path.join(dir, `${spec.name}.log`);
    this.#child = this.#spawn();
    this.#ended = this.#supervise();
  }

  static async start(spec: ProcessSpec, dir: string): Promise<ManagedProcess> {
    const managed = new ManagedProcess(spec, dir);
    await eventually(spec.probe);
    return managed;
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** kill -9. */
  kill(): void {
    this.#expectEnd = true;
    this.#child.kill("SIGKILL");
  }

  suspend(): void {
    this.#child.kill("SIGSTOP");
  }

  resume(): void {
    this.#child.kill("SIGCONT");
  }

  /** Ends it in order; it comes back. Resolves when it has ended. */
  async restart(): Promise<void> {
    this.#expectEnd = true;
    const child = this.#child;
    const exit = once(child, "exit");
    child.kill("SIGTERM");
    await exit;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#child.kill("SIGCONT");
    this.#child.kill("SIGTERM");
    const late = setTimeout(() => this.#child.kill("SIGKILL"), STOP_LIMIT_MS);
    await this.#ended;
    clearTimeout(late);
  }

  async #supervise(): Promise<void> {
    for (;;) {
      const child = this.#child;
      const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
      if (this.#stopping) return;
      if (!this.#expectEnd && code !== UNREACHABLE) {
        this.unexpected.push({ name: this.spec.name, atMs: Date.now(), code, signal });
      }
      this.#expectEnd = false;
      await sleep(RESTART_MS);
      if (this.#stopping) return;
      this.#child = this.#spawn();
    }
  }

  #spawn(): ChildProcess {
    const { command, args, env, cwd, ours } = this.spec;
    const log = openSync(this.log, "a");
    const setpriv = ours ? undefined : findCommand("setpriv");
    const [file, prefix] = setpriv ? [setpriv, ["--pdeathsig", "KILL", command]] : [command, []];
    const child = spawn(file, [...prefix, ...args], {
      stdio: ["ignore", log, log, ...(ours ? (["ipc"] as const) : [])],
      cwd,
      env: { ...process.env, ...env },
    });
    closeSync(log);
    return child;
  }
}
