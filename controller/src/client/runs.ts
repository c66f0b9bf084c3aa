import {
  benchmarkResultSchema,
  type Command,
  type JobState,
  OPERATIONS,
  type Results,
  resultsSchema,
} from "@edgewatt/protocol";
import { mergeResults } from "@edgewatt/report";
import type { MqttConnection } from "@edgewatt/runtime";
import { z } from "zod";
import { UsageError } from "../errors.ts";
import { askHub } from "./ask-hub.ts";
import { readFleet } from "./fleet.ts";
import { collectRetained } from "./retained.ts";

/** A job as far as anybody knows it. */
export interface Run {
  readonly device: string;
  readonly job: string;
  readonly op: string;
  readonly command: Command | null;
  readonly state: JobState | null;
}

const runSchema = z.looseObject({
  device: z.string(),
  job: z.string(),
  op: z.enum(OPERATIONS),
  command: z.custom<Command>().nullable(),
  state: z.custom<JobState>().nullable(),
});

/** The newest jobs, newest first: what the hub has recorded, and without a hub what is retained at the broker. */
export async function readRuns(connection: MqttConnection): Promise<readonly Run[]> {
  const { hubUrl } = await readFleet(connection);
  if (hubUrl === undefined) return retainedRuns(connection);
  return z.looseObject({ jobs: z.array(runSchema) }).parse(await askHub(hubUrl, "/api/runs")).jobs;
}

/** One job. @throws {UsageError} that names the newest ones when there is no such job */
export async function readRun(connection: MqttConnection, job: string): Promise<Run> {
  const { hubUrl } = await readFleet(connection);
  const recorded = hubUrl === undefined ? null : await askHub(hubUrl, `/api/runs/${encodeURIComponent(job)}`);
  if (recorded !== null) return runSchema.parse(recorded);
  const runs = await retainedRuns(connection);
  const run = runs.find((known) => known.job === job);
  if (run !== undefined) return run;
  const newest = runs.slice(0, 5).map((known) => known.job);
  const known = newest.length === 0 ? "there are none" : `the newest are ${newest.join(", ")}`;
  throw new UsageError(`no job ${job}: ${known}; see edgewatt runs`, { job });
}

/** The newest row of each device, model and precision that was measured; `undefined` where there are none. */
export async function readResults(connection: MqttConnection): Promise<Results | undefined> {
  const { hubUrl } = await readFleet(connection);
  if (hubUrl !== undefined) {
    const merged = await askHub(hubUrl, "/api/results");
    return merged === null ? undefined : resultsSchema.parse(merged);
  }
  const documents = (await retainedRuns(connection)).flatMap((run) => resultsOf(run) ?? []);
  return documents.length === 0 ? undefined : mergeResults(documents);
}

/** What a benchmark measured; `undefined` unless the job is one and succeeded. */
export function resultsOf({ op, state }: Run): Results | undefined {
  if (op !== "benchmark" || state?.state !== "succeeded") return undefined;
  return benchmarkResultSchema.parse(state.result).results;
}

async function retainedRuns(connection: MqttConnection): Promise<readonly Run[]> {
  const { command, jobState } = await collectRetained(connection, ["command", "jobState"]);
  const runs = new Map<string, Run>();
  for (const { topic, message } of command) {
    runs.set(topic.job, { device: topic.device, job: topic.job, op: topic.op, command: message, state: null });
  }
  for (const { topic, message } of jobState) {
    const known = runs.get(topic.job);
    runs.set(topic.job, {
      device: topic.device,
      job: topic.job,
      op: message.op,
      command: known?.command ?? null,
      state: message,
    });
  }
  // Job ids sort by time.
  return [...runs.values()].sort((a, b) => (a.job < b.job ? 1 : -1));
}
