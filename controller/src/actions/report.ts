import path from "node:path";
import type { Results } from "@edgewatt/protocol";
import { mergeResults, writeReport } from "@edgewatt/report";
import type { MqttConnection } from "@edgewatt/runtime";
import { withConnection } from "../client/broker.ts";
import { readResults, readRun, resultsOf } from "../client/runs.ts";
import { type Context, printJson, say } from "../context.ts";
import { ControllerError, UsageError } from "../errors.ts";
import type { BrokerOption } from "../options.ts";
import { printResults } from "./benchmark.ts";

interface ReportOptions extends BrokerOption {
  readonly runs?: readonly string[];
  readonly out: string;
}

/** Table and figures of benchmarks that were run. */
export async function report(context: Context, options: ReportOptions): Promise<void> {
  const results = await withConnection(context, options, (connection) =>
    options.runs === undefined ? newestResults(connection) : resultsOfJobs(connection, options.runs),
  );
  const out = path.resolve(context.cwd, options.out);
  const files = await writeReport(out, results);
  if (options.json === true) return printJson(context, { out, files, results });
  printResults(context, results);
  say(context, `Report: ${path.join(out, "report.md")}`);
}

async function newestResults(connection: MqttConnection): Promise<Results> {
  const results = await readResults(connection);
  if (results !== undefined) return results;
  throw new ControllerError("no benchmark has succeeded yet: start one with `edgewatt benchmark MODEL`", {
    code: "no-results",
  });
}

async function resultsOfJobs(connection: MqttConnection, jobs: readonly string[]): Promise<Results> {
  const documents: Results[] = [];
  for (const job of jobs) {
    const results = resultsOf(await readRun(connection, job));
    if (results === undefined) {
      throw new UsageError(`job ${job} has no results: name benchmarks that succeeded; see edgewatt runs`, { job });
    }
    documents.push(results);
  }
  return mergeResults(documents);
}
