import { pino } from "pino";
import pretty from "pino-pretty";

export type Logger = pino.Logger;

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const STDERR = 2;

/** Structured log on stderr: JSON lines for journald and pipes, readable lines on a terminal. */
export function createLogger({ name, level }: { name: string; level: LogLevel }): Logger {
  const options = { name, level };
  // Synchronous: the last lines before an exit are the ones that matter.
  if (process.stderr.isTTY) {
    return pino(options, pretty({ destination: STDERR, sync: true, ignore: "pid,hostname", colorize: true }));
  }
  return pino(options, pino.destination({ dest: STDERR, sync: true }));
}
