import { type Command, type JobState, OPERATIONS } from "@edgewatt/protocol";
import { type MqttConnection, systemErrorCode, UnreachableError } from "@edgewatt/runtime";
import { z } from "zod";
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

const runsSchema = z.looseObject({
  jobs: z.array(
    z.looseObject({
      device: z.string(),
      job: z.string(),
      op: z.enum(OPERATIONS),
      command: z
        .custom<Command>()
        .nullish()
        .transform((command) => command ?? null),
      state: z
        .custom<JobState>()
        .nullish()
        .transform((state) => state ?? null),
    }),
  ),
});

/** All jobs, newest first: what the hub has recorded, and without a hub what is retained at the broker. */
export async function readRuns(connection: MqttConnection): Promise<readonly Run[]> {
  const { hubUrl } = await readFleet(connection);
  return hubUrl === undefined ? await retainedRuns(connection) : await recordedRuns(hubUrl);
}

async function recordedRuns(hubUrl: string): Promise<readonly Run[]> {
  const url = new URL("/api/runs", hubUrl).href;
  try {
    const response = await fetch(url);
    if (response.ok) return runsSchema.parse(await response.json()).jobs;
    throw new UnreachableError(`the hub answers ${response.status} to ${url}: check its log`, {
      code: "hub-failed",
      context: { url },
    });
  } catch (cause) {
    if (cause instanceof UnreachableError) throw cause;
    const why = systemErrorCode(cause instanceof Error ? (cause.cause ?? cause) : cause);
    throw new UnreachableError(
      `cannot read the jobs from the hub at ${url} (${why}): check that it runs and can be reached from here`,
      {
        code: "hub-unreachable",
        retryable: true,
        context: { url },
        cause,
      },
    );
  }
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
