import path from "node:path";
import { benchmarkResultSchema, type Results } from "@edgewatt/protocol";
import { mergeResults, writeReport } from "@edgewatt/report";
import { withConnection } from "../client/broker.ts";
import { readRuns, type Run } from "../client/runs.ts";
import { type Context, printJson, say } from "../context.ts";
import { UsageError } from "../errors.ts";
import type { BrokerOption } from "../options.ts";
import { printResults } from "./benchmark.ts";
import { findRun } from "./runs.ts";

interface ReportOptions extends BrokerOption {
  readonly runs?: readonly string[];
  readonly out: string;
}

function resultsOf(run: Run): Results | undefined {
  return run.op === "benchmark" && run.state?.state === "succeeded"
    ? benchmarkResultSchema.parse(run.state.result).results
    : undefined;
}

/** Table and figures of benchmarks that were run. */
export async function report(context: Context, options: ReportOptions): Promise<void> {
  const known = await withConnection(context, options, readRuns);
  const documents =
    options.runs === undefined
      ? known.flatMap((run) => resultsOf(run) ?? [])
      : options.runs.map((job) => {
          const results = resultsOf(findRun(known, job));
          if (results !== undefined) return results;
          throw new UsageError(`job ${job} has no results: name benchmarks that succeeded; see edgewatt runs`, { job });
        });
  const results = mergeResults(documents);
  const out = path.resolve(context.cwd, options.out);
  const files = await writeReport(out, results);
  if (options.json === true) return printJson(context, { out, files, results });
  printResults(context, results);
  say(context, `Report: ${path.join(out, "report.md")}`);
}
