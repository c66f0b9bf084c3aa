// Local commands load this module alone: the registry itself would bring an MQTT client with it.
import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { systemErrorCode } from "@edgewatt/runtime/process";
import type { Model } from "./registry.ts";

export interface Dataset {
  readonly name: string;
  readonly path: string;
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
}

/** The folder of CIFAR-10, and the roles of its files here. */
export const CIFAR10_NAME = "cifar10";
export const CIFAR10_CALIBRATION = "data_batch_1.bin";
export const CIFAR10_EVALUATION = "test_batch.bin";

/** CIFAR-10 as far as it is here; both `undefined` when it is not. */
export interface LocalData {
  readonly calibrationFile: string | undefined;
  readonly evaluationFile: string | undefined;
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

/** A known data set, when one of the folders holds at least what accuracy is measured on; the first hit wins. */
export async function findDataset(name: string, folders: readonly string[]): Promise<Dataset | undefined> {
  for (const folder of folders) {
    const dir = path.join(folder, name);
    const files = await filesIn(dir);
    if (files.some((file) => file.name === CIFAR10_EVALUATION)) return { name, path: dir, files };
  }
  return undefined;
}

function fileOf(dataset: Dataset | undefined, name: string): string | undefined {
  return dataset?.files.some((file) => file.name === name) === true ? path.join(dataset.path, name) : undefined;
}

/** @param folders in which data sets are looked for, each in a folder of its own */
export async function findLocalData(folders: readonly string[]): Promise<LocalData> {
  const dataset = await findDataset(CIFAR10_NAME, folders);
  return { calibrationFile: fileOf(dataset, CIFAR10_CALIBRATION), evaluationFile: fileOf(dataset, CIFAR10_EVALUATION) };
}

/** Whether CIFAR images fit a model's input and its ten classes the output. */
export function takesCifar({ input, output }: Model): boolean {
  const [, ...sides] = input.shape;
  const size = sides.join(",");
  return (size === "3,32,32" || size === "32,32,3") && output.shape.at(-1) === 10;
}
