import { cancellationOf, isTerminal, type JobState, runStateOf } from "@edgewatt/protocol";
import type { MqttConnection } from "@edgewatt/runtime";
import { type Context, print, printJson, say } from "../context.ts";
import { columns } from "../columns.ts";
import { withConnection } from "../client/broker.ts";
import { author, PublishedCommand } from "../client/command.ts";
import { canceledEnd, followJob } from "../client/jobs.ts";
import { collectRetained } from "../client/retained.ts";
import { readRun, readRuns, resultsOf, type Run } from "../client/runs.ts";
import { ControllerError } from "../errors.ts";
import type { BrokerOption } from "../options.ts";

function stateOf(run: Run): string {
  return runStateOf(run, Date.now()).replace("_", " ");
}

function detailOf({ state }: Run): string {
  if (state === null) return "";
  if (state.reason !== undefined) return state.reason.message;
  return [state.step, state.detail].filter((text) => text !== undefined).join(": ");
}

/** All jobs, newest first. */
export async function listRuns(context: Context, options: BrokerOption): Promise<void> {
  const runs = await withConnection(context, options, readRuns);
  if (options.json === true) return printJson(context, { jobs: runs });
  if (runs.length === 0) return say(context, "no jobs yet: start one with `edgewatt benchmark MODEL`");
  const row = (run: Run): string[] => [
    run.job,
    run.device,
    run.op,
    stateOf(run),
    run.command === null ? "–" : new Date(run.command.issuedAt).toISOString(),
    detailOf(run),
  ];
  print(context, columns(["JOB", "DEVICE", "OPERATION", "STATE", "ISSUED", ""], runs.map(row)));
}

/** One job with its command, state and result. */
export async function showRun(context: Context, job: string, options: BrokerOption): Promise<void> {
  const run = await withConnection(context, options, async (connection) => await readRun(connection, job));
  if (options.json === true) return printJson(context, run);
  const { command, state } = run;
  const rows = [
    ["Device", run.device],
    ["Operation", run.op],
    ["State", stateOf(run)],
    ["By", command?.by ?? "not known"],
    ...(state === null ? [] : [["Attempt", String(state.attempt)]]),
    ...(state?.progress === undefined ? [] : [["Progress", `${Math.round(state.progress * 100)} % ${detailOf(run)}`]]),
    ...(state?.reason === undefined ? [] : [["Reason", `${state.reason.message} (${state.reason.code})`]]),
  ];
  print(context, columns([run.job, ""], [...rows, ...traces(run)]));
  if (state?.result !== undefined) print(context, JSON.stringify(state.result, null, 2));
}

/** Where the full-rate readings of each row of a benchmark are. */
function traces(run: Run): string[][] {
  const results = resultsOf(run);
  return (results?.rows ?? []).flatMap(({ device, trace }) =>
    trace === undefined || trace === null
      ? []
      : [["Readings", `${trace.name}: ${trace.url ?? `on ${device}, sha256 ${trace.sha256}`}`]],
  );
}

/** Asks for a job's end and waits until its device says so; one that has ended is left alone. */
export async function cancelRun(context: Context, job: string, options: BrokerOption): Promise<void> {
  const { device, state, hadEnded } = await withConnection(context, options, async (connection) => {
    const run = await newestOf(connection, job);
    if (run.state !== null && isTerminal(run.state.state))
      return { device: run.device, state: run.state, hadEnded: true };
    return { device: run.device, state: await cancel(connection, run), hadEnded: false };
  });
  if (options.json === true) return printJson(context, { job, device, state: state.state, hadEnded });
  print(context, `${job} ${hadEnded ? "had ended already: " : ""}${state.state.replace("_", " ")}`);
}

async function cancel(connection: MqttConnection, { device, job, command }: Run): Promise<JobState> {
  if (command === null) {
    throw new ControllerError(`the command of job ${job} is not known any more, so it cannot be canceled`, {
      code: "no-command",
      context: { job },
    });
  }
  const follower = await followJob(connection, job, { device });
  const published = await PublishedCommand.publish(connection, device, cancellationOf(command, author()));
  try {
    return await canceledEnd(follower, device);
  } finally {
    published.stop();
    await follower.stop();
  }
}

/** What the broker has of a job, which is newer than what the hub has recorded, else that. */
async function newestOf(connection: MqttConnection, job: string): Promise<Run> {
  const { command: commands, jobState: states } = await collectRetained(connection, ["command", "jobState"], { job });
  const [command] = commands;
  if (command === undefined) return readRun(connection, job);
  const { device, op } = command.topic;
  return { device, job, op, command: command.message, state: states[0]?.message ?? null };
}
