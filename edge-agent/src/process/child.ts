import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { ChildError } from "../errors.ts";

const KEPT_STDERR = 2000;
/** Who else would: the kernel, or a person, who knows. */
const OUT_OF_MEMORY = ", which the kernel does when memory runs out: see dmesg";

export interface ChildOptions {
  /** What error messages call it. */
  readonly name: string;
  /** The script, in `dist`. */
  readonly script: URL;
  readonly args?: readonly string[];
  /** Options of Node.js. */
  readonly nodeOptions?: readonly string[];
  /** Processors to run on; `undefined` = all. */
  readonly cores?: readonly number[] | undefined;
  readonly env?: NodeJS.ProcessEnv;
}

/** A forked child of the agent that speaks messages `In` and is told messages `Out`. */
export interface Child<In, Out> {
  readonly pid: number | undefined;
  send(message: Out): void;
  onMessage(fn: (message: In) => void): void;
  /** Settles when the process has ended: with an error that says how, unless `kill` was called before. */
  readonly ended: Promise<ChildError | undefined>;
  /** Ends it at once, and resolves when it is gone. */
  kill(): Promise<void>;
}

/** Forks a script of this package; its stdout is discarded because ours belongs to the ready line. */
export function forkChild<In, Out extends object>(options: ChildOptions): Child<In, Out> {
  const { name, script, args = [], nodeOptions = [], cores, env } = options;
  const started =
    cores === undefined
      ? { execArgv: [...nodeOptions] }
      : { execPath: "taskset", execArgv: ["-c", cores.join(","), process.execPath, ...nodeOptions] };
  const child: ChildProcess = fork(fileURLToPath(script), args, {
    serialization: "advanced",
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    ...started,
    ...(env === undefined ? {} : { env: { ...process.env, ...env } }),
  });
  let stderr = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-KEPT_STDERR);
  });
  let killed = false;
  const ended = new Promise<ChildError | undefined>((resolve) => {
    child.once("error", (cause) => {
      resolve(new ChildError(`cannot start the ${name}: ${cause.message}`, { code: "child-start", cause }));
    });
    child.once("close", (code, signal) => {
      if (killed) return resolve(undefined);
      const said = stderr.trim().split("\n").at(-1) ?? "";
      const how =
        signal === null ? `with exit code ${code}` : `by ${signal}${signal === "SIGKILL" ? OUT_OF_MEMORY : ""}`;
      resolve(
        new ChildError(`the ${name} ended ${how}${said === "" ? "" : `: ${said}`}`, {
          code: "child-ended",
          retryable: true,
          context: { exitCode: code, signal, stderr },
        }),
      );
    });
  });
  return {
    pid: child.pid,
    send(message) {
      // Only when the process is already gone does sending fail, and `ended` tells that.
      if (child.connected) child.send(message, () => {});
    },
    onMessage: (fn) => void child.on("message", (message) => fn(message as In)),
    ended,
    async kill() {
      killed = true;
      child.kill("SIGKILL");
      await ended;
    },
  };
}
