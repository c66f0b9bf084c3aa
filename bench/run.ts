// npm run bench [-- NAME…]: exits 0 when every benchmark could be run, 1 when one could not, 2 on an unknown name.
import { join } from "node:path";
import process from "node:process";
import { runBenchmarks } from "./bench.ts";
import { BenchError } from "./errors.ts";
import { BENCH } from "./paths.ts";

const stopping = new AbortController();
process.once("SIGINT", () => stopping.abort());
process.once("SIGTERM", () => stopping.abort());

const say = (text: string): void => void process.stderr.write(`bench: ${text}\n`);

try {
  const complete = await runBenchmarks(process.argv.slice(2), {
    say,
    print: (text) => void process.stdout.write(`${text}\n`),
    resultsPath: join(BENCH, "results.json"),
    signal: stopping.signal,
  });
  process.exitCode = complete ? 0 : 1;
} catch (error) {
  if (stopping.signal.aborted) {
    say("interrupted; no results were written");
    process.exitCode = 130;
  } else if (error instanceof BenchError) {
    say(error.message);
    process.exitCode = error.code === "unknown-benchmark" ? 2 : 1;
  } else {
    throw error;
  }
}
