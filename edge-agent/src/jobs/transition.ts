import { isTerminal, mayFollow, type JobState } from "@edgewatt/protocol";
import { JobError } from "../errors.ts";

/** The fields that a transition may set. */
export type JobChange = Partial<
  Pick<JobState, "rev" | "state" | "position" | "step" | "detail" | "progress" | "reason" | "result" | "attempt">
>;

/** Fields that only mean something in some states; a new state starts without them. */
const TRANSIENT = ["position", "step", "detail", "reason"] as const;

/**
 * The next state of a job. Stamps it, and keeps to the fixed order of states.
 * @throws {JobError} code `internal` for a transition that must not be
 */
export function nextState(from: JobState, change: JobChange, at: { ts: number; boot: number }): JobState {
  const to = change.state ?? from.state;
  if (!mayFollow(from.state, to)) {
    throw new JobError(`job ${from.job} cannot go from ${from.state} to ${to}`, { code: "internal" });
  }
  const kept: JobState = { ...from };
  if (to !== from.state) for (const field of TRANSIENT) delete kept[field];
  return {
    ...kept,
    ...change,
    ts: at.ts,
    boot: at.boot,
    ...(to === "running" && from.state !== "running" ? { startedAt: at.ts, progress: 0 } : {}),
    ...(isTerminal(to) ? { endedAt: at.ts } : {}),
  };
}
