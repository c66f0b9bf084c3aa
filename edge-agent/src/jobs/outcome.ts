import { EdgewattError, type Command, type JobStateName } from "@edgewatt/protocol";
import { JobError } from "../errors.ts";
import type { Reason } from "./admission.ts";
import type { JobChange } from "./transition.ts";

/** A message must stay far below what a packet may hold, or else the end of the job could never be told. */
const MAX_REASON = 2000;

const ABORTED: ReadonlyMap<string, JobStateName> = new Map([
  ["canceled", "canceled"],
  ["timeout", "timed_out"],
  ["interrupted", "interrupted"],
]);

/** The end of a run that did not succeed: why it was aborted, where it was, or else what it failed of. */
export function outcomeOf(error: unknown, signal: AbortSignal): JobChange & { readonly reason: Reason } {
  const reason = reasonOf(signal.aborted ? signal.reason : error);
  // An operation's own error may have any code, and does not say that somebody ended the job.
  return { state: (signal.aborted ? ABORTED.get(reason.code) : undefined) ?? "failed", reason };
}

/** What an error says in the state of a job. */
export function reasonOf(error: unknown): Reason {
  if (error instanceof EdgewattError) return { code: error.code, message: error.message.slice(0, MAX_REASON) };
  const text = error instanceof Error ? error.message : String(error);
  return { code: "internal", message: (text.split("\n")[0] ?? "").slice(0, MAX_REASON) };
}

/** Why a job ends that a command cancels. */
export function cancellationOf(command: Command): JobError {
  return new JobError(`canceled by ${command.by}`, { code: "canceled" });
}
