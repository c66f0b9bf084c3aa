export const JOB_STATES = [
  "accepted",
  "running",
  "interrupted",
  "succeeded",
  "failed",
  "canceled",
  "timed_out",
  "rejected",
] as const;
export type JobStateName = (typeof JOB_STATES)[number];

const TERMINAL: ReadonlySet<string> = new Set(["succeeded", "failed", "canceled", "timed_out", "rejected"]);

/** Whether a job in this state never changes again. */
export function isTerminal(state: JobStateName): boolean {
  return TERMINAL.has(state);
}

const NEXT: Readonly<Record<JobStateName, readonly JobStateName[]>> = {
  accepted: ["accepted", "running", "rejected", "canceled", "failed", "timed_out"],
  running: ["running", "interrupted", "succeeded", "failed", "canceled", "timed_out"],
  interrupted: ["interrupted", "running", "failed", "canceled", "timed_out"],
  succeeded: [],
  failed: [],
  canceled: [],
  timed_out: [],
  rejected: [],
};

/** Whether a job may go from one state to another. */
export function mayFollow(from: JobStateName, to: JobStateName): boolean {
  return NEXT[from].includes(to);
}
