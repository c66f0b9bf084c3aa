import { readFile } from "node:fs/promises";
import path from "node:path";
import { isTerminal, type JobState, type Run } from "@edgewatt/protocol";
import type { DrivenJob } from "./job-driver.ts";
import type { Retained } from "./look.ts";
import type { FaultStack } from "./stack.ts";

/**
 * The same end must stand in all places where a job's end is written, and no job may run more often than the journal knows;
 * `undefined` where that is so.
 * @param boots in how many boots the job left telemetry
 */
export async function disagreement(
  job: DrivenJob,
  { stack, retained, boots }: { stack: FaultStack; retained: Retained; boots: number },
): Promise<string | undefined> {
  const journal = await journaled(job, stack);
  if (journal === undefined) return "it is not in the agent's journal";
  if (!isTerminal(journal.state)) return `the journal says ${journal.state}`;
  const recorded = await recordedByHub(job, stack);
  // A broker that was restarted has forgotten what it retained; the agent owes it the open jobs only.
  const heard = { heard: job.end, hub: recorded, retained: retained.jobs.get(job.job) ?? journal };
  for (const [place, state] of Object.entries(heard)) {
    if (state === undefined || endOf(state) !== endOf(journal)) {
      return `the journal says ${endOf(journal)}, ${place} ${state === undefined ? "nothing" : endOf(state)}`;
    }
  }
  const runs = Math.max(boots, ...job.starts.keys());
  if (runs > journal.attempt) return `it ran ${runs} times, and the journal knows ${journal.attempt}`;
  return undefined;
}

function endOf({ state, attempt, endedAt }: JobState): string {
  return `${state} in attempt ${attempt} at ${endedAt}`;
}

async function journaled({ device, job }: DrivenJob, stack: FaultStack): Promise<JobState | undefined> {
  try {
    const text = await readFile(path.join(stack.agentHome(device), "jobs", `${job}.json`), "utf8");
    return (JSON.parse(text) as { state: JobState }).state;
  } catch {
    return undefined;
  }
}

async function recordedByHub({ job }: DrivenJob, stack: FaultStack): Promise<JobState | undefined> {
  const response = await fetch(`${stack.hubUrl}/api/runs/${job}`, { signal: AbortSignal.timeout(5000) });
  return response.ok ? (((await response.json()) as Run).state ?? undefined) : undefined;
}
