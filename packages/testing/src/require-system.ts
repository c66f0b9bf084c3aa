import { accessSync, constants } from "node:fs";
import path from "node:path";
import { TestingError } from "./errors.ts";

/** Debian keeps daemons where the PATH of a user may not lead. */
const SYSTEM_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** The full path of an installed command. */
export function findCommand(command: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(path.delimiter), ...SYSTEM_FOLDERS];
  return folders
    .map((folder) => path.join(folder, command))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** Like `findCommand`, for tests that have passed `requireSystem`. Throws TestingError. */
export function installedCommand(command: string): string {
  const file = findCommand(command);
  if (file !== undefined) return file;
  throw new TestingError(`${command} is not installed: run scripts/system-packages.sh`, {
    code: "command-missing",
    context: { command },
  });
}

/**
 * Whether a test that needs these commands of the system must be skipped, and why. With `CI=true` a missing one is an
 * error instead, so that a set-up that silently tests less cannot pass.
 */
export function requireSystem(...commands: string[]): { skip: boolean; reason: string } {
  const missing = commands.filter((command) => findCommand(command) === undefined);
  if (missing.length === 0) return { skip: false, reason: "" };
  const reason = `${missing.join(", ")} not installed: run scripts/system-packages.sh`;
  if (process.env["CI"] === "true") throw new TestingError(reason, { code: "command-missing", context: { missing } });
  return { skip: true, reason };
}
