import type { Command } from "@edgewatt/protocol";
import type { MqttConnection } from "@edgewatt/runtime";
import { type Context, print, printJson, say } from "../context.ts";
import { columns } from "../columns.ts";
import { withConnection } from "../client/broker.ts";
import { cancellationOf, PublishedCommand } from "../client/command.ts";
import { canceledEnd, followJob } from "../client/jobs.ts";
import { collectRetained } from "../client/retained.ts";
import { readRun, readRuns, resultsOf, type Run } from "../client/runs.ts";
import { ControllerError } from "../errors.ts";
import type { BrokerOption } from "../options.ts";

function stateOf({ command, state }: Run): string {
  if (state !== null) return state.state.replace("_", " ");
  return command !== null && command.expiresAt < Date.now() ? "expired" : "waiting";
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

/** Asks for a job's end and waits until its device says so. */
export async function cancelRun(context: Context, job: string, options: BrokerOption): Promise<void> {
  const run = await withConnection(context, options, async (connection): Promise<Run> => {
    const { device, op, command } = await commandOf(connection, job);
    const follower = await followJob(connection, job, { device });
    const published = await PublishedCommand.publish(connection, device, cancellationOf(command));
    try {
      return { device, job, op, command, state: await canceledEnd(follower, device) };
    } finally {
      published.stop();
      await follower.stop();
    }
  });
  if (options.json === true) return printJson(context, { job, device: run.device, state: run.state?.state });
  print(context, `${job} ${stateOf(run)}`);
}

async function commandOf(
  connection: MqttConnection,
  job: string,
): Promise<{ readonly device: string; readonly op: string; readonly command: Command }> {
  const [retained] = (await collectRetained(connection, ["command"], { job })).command;
  if (retained !== undefined)
    return { device: retained.topic.device, op: retained.topic.op, command: retained.message };
  const { device, op, command } = await readRun(connection, job);
  if (command !== null) return { device, op, command };
  throw new ControllerError(`the command of job ${job} is not known any more, so it cannot be canceled`, {
    code: "no-command",
    context: { job },
  });
}
