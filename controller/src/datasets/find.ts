import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { systemErrorCode } from "@edgewatt/runtime/process";
import type { Context } from "../context.ts";
import { UsageError } from "../errors.ts";
import type { DataOption, DatasetsOption } from "../options.ts";
import { CATALOGUE, CIFAR10_EVALUATION, type DatasetSource } from "./catalogue.ts";

export interface Dataset {
  readonly name: string;
  readonly path: string;
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
}

/** The folders in which data sets are looked for, first hit wins. */
export function searchPath(context: Context, options: DataOption & DatasetsOption): readonly string[] {
  const named = options.datasets === undefined ? [] : [options.datasets];
  return [...named, path.join(options.data, "datasets")].map((dir) => path.resolve(context.cwd, dir));
}

async function filesIn(dir: string): Promise<Dataset["files"]> {
  try {
    const names = (await readdir(dir)).filter((name) => !name.startsWith(".")).sort();
    const sizes = await Promise.all(names.map((name) => stat(path.join(dir, name))));
    return names.map((name, index) => ({ name, bytes: sizes[index]?.size ?? 0 }));
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(systemErrorCode(error))) return [];
    throw error;
  }
}

/** A known data set, when one of the folders holds at least what accuracy is measured on. */
export async function findDataset(name: string, folders: readonly string[]): Promise<Dataset | undefined> {
  for (const folder of folders) {
    const dir = path.join(folder, name);
    const files = await filesIn(dir);
    if (files.some((file) => file.name === CIFAR10_EVALUATION)) return { name, path: dir, files };
  }
  return undefined;
}

/** @throws {UsageError} that lists the known data sets */
export function sourceOf(name: string): DatasetSource {
  const source = CATALOGUE.find((known) => known.name === name);
  if (source !== undefined) return source;
  throw new UsageError(`no data set ${name}: known are ${CATALOGUE.map((known) => known.name).join(", ")}`, { name });
}
