import { existsSync } from "node:fs";
import { dirname, join, parse } from "node:path";
import process from "node:process";
import { BenchError } from "./errors.ts";

/** The clone's folder, seen from the sources as well as from `bench/dist`. */
export const ROOT = findRoot(import.meta.dirname);

/** The sources of the benchmarks, where what is not compiled lies too. */
export const BENCH = join(ROOT, "bench");

/** The data sets' folder: `EDGEWATT_DATASETS`, the data folder's, or that of shared material beside the clone. */
export function datasetsFolder(): string | undefined {
  const named = process.env["EDGEWATT_DATASETS"];
  const data = process.env["EDGEWATT_DATA"] ?? join(ROOT, ".edgewatt");
  const folders = [...(named ? [named] : []), join(data, "datasets"), join(ROOT, "../shared/datasets")];
  return folders.find((folder) => existsSync(folder));
}

function findRoot(from: string): string {
  for (let folder = from; folder !== parse(folder).root; folder = dirname(folder)) {
    if (existsSync(join(folder, "tsconfig.base.json"))) return folder;
  }
  throw new BenchError(`no clone of edgewatt around ${from}: run the benchmarks inside one`, {
    code: "no-root",
    context: { from },
  });
}
