import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { baseModels } from "./base-models.ts";
import { mutate } from "./mutate.ts";
import { runFiles, type Outcome } from "./run-files.ts";

/** Most take a tenth of it; a file that made the process grow without bound would pass it. */
const LARGEST_PEAK_MB = 1_000;

/**
 * Quantizes damaged models and checks of each that it gave an error of one line, that says what is wrong, or a model that loads: no crash of the process, no hang,
 * no file left behind, bounded memory. The undamaged models must work.
 */
export async function expectHandled(folder: string, firstSeed: number, count: number): Promise<void> {
  const models = baseModels();
  const files = models.map((bytes, index) => ({ name: `base ${index}`, bytes }));
  for (let seed = firstSeed; seed < firstSeed + count; seed++) {
    const { name, bytes } = mutate(models, seed);
    files.push({ name: `${name}, seed ${seed}`, bytes });
  }
  await mkdir(join(folder, "files"));
  const paths: string[] = [];
  for (const [index, { bytes }] of files.entries()) {
    const path = join(folder, "files", `${index}.onnx`);
    await writeFile(path, bytes);
    paths.push(path);
  }
  const outcomes = await runFiles(paths);
  const faults = outcomes.flatMap((outcome, index) =>
    faultsOf(outcome, index < models.length).map((fault) => `${files[index]?.name ?? ""}: ${fault}`),
  );
  expect(faults).toEqual([]);
  expect(outcomes).toHaveLength(files.length);
  // Otherwise the damage would be too coarse to get past the reader, and test nothing behind it.
  expect(new Set(outcomes.map((outcome) => outcome.code ?? "ok")).size).toBeGreaterThan(4);
}

function faultsOf(outcome: Outcome, isBase: boolean): string[] {
  const faults: string[] = [];
  if (outcome.died !== undefined) return [outcome.died];
  if (!outcome.ok && outcome.own !== true) faults.push(`an error that nobody foresaw: ${outcome.stack ?? ""}`);
  if (!outcome.ok && (outcome.message ?? "").includes("\n")) faults.push(`not one line: ${outcome.message ?? ""}`);
  if (isBase && !outcome.ok) faults.push(`the undamaged model fails: ${outcome.message ?? ""}`);
  if ((outcome.left ?? []).length > 0) faults.push(`left behind: ${(outcome.left ?? []).join(", ")}`);
  if ((outcome.peakMb ?? 0) > LARGEST_PEAK_MB) faults.push(`took ${outcome.peakMb ?? 0} MB`);
  return faults;
}
