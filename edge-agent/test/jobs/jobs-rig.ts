import { readFile } from "node:fs/promises";
import path from "node:path";
import { encodeMessage, type Command, type JobState, type Operation as OperationName } from "@edgewatt/protocol";
import { createLogger, systemClock } from "@edgewatt/runtime";
import { eventually } from "@edgewatt/testing";
import { expect } from "vitest";
import { JobError } from "../../src/errors.ts";
import { JobJournal } from "../../src/jobs/journal.ts";
import { Jobs } from "../../src/jobs/jobs.ts";
import type { JobContext, Operation } from "../../src/jobs/operation.ts";
import type { JobsFault } from "../../src/jobs/storage-guard.ts";
import { command as newCommand } from "../agent-rig.ts";

const log = createLogger({ name: "test", level: "silent" });

interface Run {
  readonly job: string;
  readonly context: JobContext;
  succeed(result?: Record<string, unknown>): void;
  fail(error: Error): void;
}

export interface StartOptions {
  readonly connected?: boolean;
  readonly synchronized?: boolean;
  readonly remembered?: readonly JobState[];
  readonly onPublish?: (state: JobState) => void;
}

/** Jobs on a real journal in `dir` whose only operation ends when the test says so. */
export async function startJobs(dir: string, options: StartOptions = {}) {
  const published: JobState[] = [];
  const runs: Run[] = [];
  const faults: JobsFault[] = [];
  const takenBack: string[] = [];
  const link = { connected: options.connected ?? true };
  const benchmark: Operation = {
    name: "benchmark",
    parse(args) {
      return args;
    },
    run: (_args, context) =>
      new Promise((resolve, reject) => {
        context.signal.addEventListener("abort", () => reject(context.signal.reason as Error));
        runs.push({ job: context.job, context, succeed: (result = {}) => resolve(result), fail: reject });
      }),
  };
  const folder = path.join(dir, "jobs");
  const { journal, records, damaged } = await JobJournal.open(folder, log);
  const jobs = new Jobs({
    journal,
    records,
    damaged,
    remembered: options.remembered ?? [],
    operations: new Map<OperationName, Operation>([["benchmark", benchmark]]),
    boot: 1,
    clock: systemClock,
    log,
    clockSynchronized: () => options.synchronized ?? true,
    async publishState(state) {
      options.onPublish?.(state);
      if (!link.connected) throw new JobError("not connected", { code: "not-connected" });
      const onDisk = JSON.parse(await readFile(path.join(folder, `${state.job}.json`), "utf8")) as {
        state: JobState;
      };
      // What is told was on disk before; progress alone is not journaled.
      expect(onDisk.state.state).toBe(state.state);
      published.push(state);
    },
    publishEvent: () => {},
    async takeBack({ job }) {
      if (!link.connected) throw new JobError("not connected", { code: "not-connected" });
      takenBack.push(job);
    },
    onFault: (fault) => faults.push(fault),
    onRunning: () => {},
  });
  jobs.start();
  const states = (job: string) => published.filter((state) => state.job === job).map((state) => state.state);
  const last = (job: string) => published.findLast((state) => state.job === job);
  const reach = (job: string, state: string) => eventually(() => expect(last(job)?.state).toBe(state));
  return { jobs, runs, published, link, states, last, reach, faults, takenBack };
}

export function command(job: string, over: Partial<Command> = {}): Command {
  return newCommand(job, {}, over);
}

export function send(jobs: Jobs, message: Command): void {
  jobs.receive({ op: message.op, job: message.job }, Buffer.from(encodeMessage("command", message)));
}
