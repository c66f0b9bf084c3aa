import { fork, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import { BenchError } from "../errors.ts";
import { ROOT } from "../paths.ts";

/** A child process of the agent as the agent starts it, spoken to over the same channel. */
export class AgentChild implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;

  /** @param script below `edge-agent/dist`, such as `runner/child.js` */
  constructor(script: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
    this.#child = fork(join(ROOT, "edge-agent/dist", script), [...args], {
      serialization: "advanced",
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      execArgv: ["--disable-warning=ExperimentalWarning"],
      env: { ...process.env, ...env },
    });
    this.#ended = new Promise((resolve) => this.#child.once("close", () => resolve()));
  }

  get pid(): number {
    return this.#child.pid ?? Number.NaN;
  }

  send(message: object): void {
    this.#child.send(message);
  }

  /** The next message of a type. @throws BenchError when the child says that it failed, or ends */
  async next(type: string): Promise<Record<string, unknown>> {
    return new Promise((resolve, reject) => {
      const done = (): void => {
        this.#child.off("message", onMessage);
        this.#child.off("close", onClose);
      };
      const onMessage = (message: Record<string, unknown>): void => {
        if (message["type"] !== type && message["type"] !== "failed") return;
        done();
        if (message["type"] === type) resolve(message);
        else reject(new BenchError(String(message["message"]), { code: "child-failed" }));
      };
      const onClose = (): void => {
        done();
        reject(new BenchError(`the child ended before it said "${type}"`, { code: "child-ended" }));
      };
      this.#child.on("message", onMessage);
      this.#child.on("close", onClose);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }
}

/** CLOCK_MONOTONIC in µs, which the times that the agent's children tell belong to. */
export function monotonicUs(): number {
  return Number(process.hrtime.bigint()) / 1000;
}
