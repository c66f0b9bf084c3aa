import { spawnSync } from "node:child_process";

/** The firmware answers in a few ms; a mailbox that hangs must not hold up the caller for long. */
const TIMEOUT_MS = 1000;
/** What `vcgencmd` prints, with exit status 0, for a command that the firmware does not know. */
const UNKNOWN_COMMAND = /^error=/;

export type VcgencmdAnswer =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly code: "vcgencmd-missing" | "vcgencmd-failed"; readonly reason: string };

/**
 * Asks the Raspberry Pi's firmware through its command, which is looked for on the PATH. Starts a process and waits for it:
 * never inside a measured window.
 */
export function askFirmware(...args: readonly string[]): VcgencmdAnswer {
  const { error, status, stdout, stderr } = spawnSync("vcgencmd", args, {
    encoding: "latin1",
    timeout: TIMEOUT_MS,
    killSignal: "SIGKILL",
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (error !== undefined) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return { ok: false, code: "vcgencmd-missing", reason: "vcgencmd is not on the PATH" };
    const reason = code === "ETIMEDOUT" ? `vcgencmd did not answer within ${TIMEOUT_MS} ms` : error.message;
    return { ok: false, code: "vcgencmd-failed", reason };
  }
  const text = stdout.trim();
  if (status === 0 && !UNKNOWN_COMMAND.test(text)) return { ok: true, text };
  const said = (stderr.trim() === "" ? text : stderr.trim()).split("\n")[0] ?? "";
  return { ok: false, code: "vcgencmd-failed", reason: `vcgencmd ${args.join(" ")}: ${said || `exit code ${status}`}` };
}
