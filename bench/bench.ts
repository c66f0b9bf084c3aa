import { renderTable, makeDocument, writeDocument } from "./results.ts";
import { unmeasured, type BenchContext, type BenchResult } from "./suite.ts";
import { selectSuites, SUITES, type SuiteEntry } from "./suites.ts";

export interface BenchRun extends Omit<BenchContext, "wanted"> {
  /** Where the results go. */
  readonly resultsPath: string;
  /** The table. */
  readonly print: (text: string) => void;
}

/**
 * Runs the benchmarks whose name begins with one of `names` (all without), prints their ratios and writes the results file.
 * A suite that breaks is a result too, with the reason in its note.
 * @returns whether every benchmark could be run; a goal that was missed does not count
 * @throws BenchError for an unknown name, before anything runs
 */
export async function runBenchmarks(
  names: readonly string[],
  run: BenchRun,
  suites: readonly SuiteEntry[] = SUITES,
): Promise<boolean> {
  const selected = selectSuites(names, suites);
  const minutes = selected.reduce((sum, suite) => sum + suite.expectedMinutes, 0);
  run.say(`${selected.map((suite) => suite.name).join(", ")}: about ${Math.ceil(minutes)} min`);
  const wanted = (name: string): boolean => names.length === 0 || names.some((begin) => name.startsWith(begin));
  const results: BenchResult[] = [];
  const broken: string[] = [];
  for (const entry of selected) {
    run.signal.throwIfAborted();
    run.say(`${entry.name} …`);
    try {
      const suite = await entry.open();
      for await (const result of suite.run({ ...run, wanted })) {
        if (wanted(result.name)) results.push(result);
      }
    } catch (error) {
      if (run.signal.aborted) throw error;
      broken.push(entry.name);
      results.push(
        unmeasured(entry.name, "", `could not be run: ${error instanceof Error ? error.message : String(error)}`),
      );
    }
  }
  run.print(renderTable(results));
  await writeDocument(run.resultsPath, makeDocument(results, new Date()));
  run.say(`results: ${run.resultsPath}`);
  return broken.length === 0;
}
