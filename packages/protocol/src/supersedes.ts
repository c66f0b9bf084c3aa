import { isTerminal, type JobStateName } from "./job-states.ts";
import type { JobState } from "./jobs.ts";

const RANK: Readonly<Record<JobStateName, number>> = {
  accepted: 0,
  running: 1,
  interrupted: 2,
  succeeded: 3,
  failed: 3,
  canceled: 3,
  timed_out: 3,
  rejected: 3,
};

/**
 * Whether a state takes the place of the one a reader knows. States may come twice and late (a broker that restarts, a second
 * one), so a reader does not take what comes last for the newest. A job's end is final. Before it the order is that of attempts and,
 * within one, of states; time decides only between two of the same, as an agent's clock may be set back.
 */
export function supersedes(next: JobState, known: JobState): boolean {
  if (isTerminal(known.state)) return false;
  if (isTerminal(next.state)) return true;
  if (next.attempt !== known.attempt) return next.attempt > known.attempt;
  if (next.state !== known.state) return RANK[next.state] > RANK[known.state];
  if (next.rev !== known.rev) return next.rev > known.rev;
  if (next.boot !== known.boot) return next.boot > known.boot;
  const { progress = 0 } = next;
  const { progress: knownProgress = 0 } = known;
  return progress === knownProgress ? next.ts > known.ts : progress > knownProgress;
}
