import { ConfigError, UnreachableError } from "./errors.ts";

/** What every edgewatt process tells its parent. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  /** Broker, database or device cannot be reached. */
  unreachable: 3,
  /** Ended by SIGINT. */
  interrupted: 130,
} as const;

/** The exit code that belongs to an error that ended a process. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof ConfigError) return EXIT.usage;
  if (error instanceof UnreachableError) return EXIT.unreachable;
  return EXIT.failed;
}
