import { EXIT } from "./exit-codes.ts";
import { RuntimeError } from "./errors.ts";

/** The requests to end that reach a process. */
export interface StopSignals {
  /** Aborts at the first request. */
  readonly signal: AbortSignal;
  /** Resolves at the first request. */
  readonly requested: Promise<void>;
  /** What an orderly end after the request that came is told with. */
  readonly exitCode: number;
  /** Starts the time limit of the orderly stop; the first request starts it too. */
  begin(): void;
}

/** On Ctrl-C a terminal signals the whole group and `npm run` passes the signal on as well: one key press, two signals. */
const ECHO_MS = 100;

/**
 * SIGINT, SIGTERM and the loss of the parent that holds our IPC channel ask for an orderly stop; a second signal ends
 * the process at once with code 130, and so does the time limit with code 1, even when the rest is done but something
 * keeps the process alive.
 */
export function listenForStop(options: { timeoutMs: number; onTimeout: () => void }): StopSignals {
  const { timeoutMs, onTimeout } = options;
  const controller = new AbortController();
  let exitCode: number = EXIT.ok;
  let limit: NodeJS.Timeout | undefined;
  let requestedAtMs = 0;

  const begin = () => {
    // Unreferenced: the limit must not itself keep a process alive that is done.
    limit ??= setTimeout(() => {
      onTimeout();
      process.exit(EXIT.failed);
    }, timeoutMs).unref();
  };
  const request = (code: number, why: string) => {
    if (controller.signal.aborted) return false;
    exitCode = code;
    requestedAtMs = performance.now();
    begin();
    controller.abort(new RuntimeError(`stopping: ${why}`, { code: "stopping" }));
    return true;
  };
  const onInterrupt = () => {
    if (!request(EXIT.interrupted, "SIGINT") && performance.now() - requestedAtMs > ECHO_MS)
      process.exit(EXIT.interrupted);
  };
  const onTerminate = () => {
    if (!request(EXIT.ok, "SIGTERM")) process.exit(EXIT.interrupted);
  };
  const onDisconnect = () => void request(EXIT.ok, "the parent process is gone");

  const requested = new Promise<void>((resolve) => {
    controller.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  process.on("SIGINT", onInterrupt);
  process.on("SIGTERM", onTerminate);
  if (process.send) {
    process.on("disconnect", onDisconnect);
    // Listening must not keep a process alive that has nothing else to do.
    process.channel?.unref();
    if (!process.connected) onDisconnect();
  }
  return {
    signal: controller.signal,
    requested,
    get exitCode() {
      return exitCode;
    },
    begin,
  };
}
