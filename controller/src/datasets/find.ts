import path from "node:path";
import type { Context } from "../context.ts";
import { UsageError } from "../errors.ts";
import type { DataOption, DatasetsOption } from "../options.ts";
import { CATALOGUE, type DatasetSource } from "./catalogue.ts";

export { type Dataset, findDataset } from "@edgewatt/registry/datasets";

/** The folders in which data sets are looked for, first hit wins. */
export function searchPath(context: Context, options: DataOption & DatasetsOption): readonly string[] {
  const named = options.datasets === undefined ? [] : [options.datasets];
  return [...named, path.join(options.data, "datasets")].map((dir) => path.resolve(context.cwd, dir));
}

/** @throws {UsageError} that lists the known data sets */
export function sourceOf(name: string): DatasetSource {
  const source = CATALOGUE.find((known) => known.name === name);
  if (source !== undefined) return source;
  throw new UsageError(`no data set ${name}: known are ${CATALOGUE.map((known) => known.name).join(", ")}`, { name });
}
