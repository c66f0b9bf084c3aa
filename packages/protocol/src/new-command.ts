import { DEFAULT_EXPIRY_MS, DEFAULT_TIMEOUT_S } from "./job-limits.ts";
import type { Command } from "./jobs.ts";
import { MESSAGE_VERSION } from "./message-version.ts";

/** The first revision of a job's command. `job` is its author's: sortable and free of collisions, a ULID. */
export function newCommand({
  timeoutS = DEFAULT_TIMEOUT_S,
  nowMs,
  ...asked
}: Pick<Command, "job" | "op" | "by" | "args"> & {
  readonly nowMs: number;
  readonly timeoutS?: number | undefined;
}): Command {
  const { job, op, by, args } = asked;
  const expiresAt = nowMs + DEFAULT_EXPIRY_MS;
  return { v: MESSAGE_VERSION, job, op, rev: 1, issuedAt: nowMs, expiresAt, timeoutS, cancel: false, by, args };
}

/** The same command, canceled; anybody may publish it. */
export function cancellationOf(command: Command, by: string): Command {
  return { ...command, rev: command.rev + 1, cancel: true, by };
}
