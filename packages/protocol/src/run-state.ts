import { isTerminal, type JobStateName } from "./job-states.ts";
import type { Run } from "./jobs.ts";

/** What a reader calls the state of a job: `waiting` for its device to take it, `canceling` until the device has confirmed that. */
export type RunStateName = JobStateName | "waiting" | "canceling" | "expired";

export function runStateOf({ command, state }: Pick<Run, "command" | "state">, nowMs: number): RunStateName {
  const isCanceled = command?.cancel === true;
  // Its device has the last word, and may be gone.
  if (state !== null && isCanceled && !isTerminal(state.state)) return "canceling";
  if (state !== null) return state.state;
  if (isCanceled) return "canceled";
  return command !== null && command.expiresAt < nowMs ? "expired" : "waiting";
}
