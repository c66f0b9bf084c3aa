import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import { type AppName, binOf } from "../stack/bins.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** Runs the app's own bin in our place: same terminal, same signals, same exit code. */
export async function runAppBin(app: AppName, flags: readonly string[]): Promise<number> {
  // The IPC channel lets it notice when we are killed; a group of its own lets a Ctrl-C reach it once, through us.
  const child = spawn(process.execPath, [binOf(app), ...flags], {
    detached: true,
    stdio: ["inherit", "inherit", "inherit", "ipc"],
  });
  const forward = (signal: NodeJS.Signals): void => void child.kill(signal);
  // Before our own handler, which ends us at once at the second signal.
  for (const signal of SIGNALS) process.prependListener(signal, forward);
  try {
    const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
    return code ?? 128 + constants.signals[signal ?? "SIGTERM"];
  } finally {
    for (const signal of SIGNALS) process.off(signal, forward);
  }
}
