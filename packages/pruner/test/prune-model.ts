import { join } from "node:path";
import { openSession, readModel, writeModel, type DataSource, type ModelProto, type TensorValue } from "@edgewatt/onnx";
import { prune, type PruneOptions, type PruneReport } from "../src/index.ts";

export interface Pruned {
  readonly report: PruneReport;
  readonly input: string;
  readonly output: string;
  /** The model that was written. */
  readonly model: ModelProto;
}

/** Writes a model, prunes the file, and reads what came of it. */
export async function pruneModel(
  folder: string,
  model: ModelProto,
  options: Omit<PruneOptions, "input" | "output">,
): Promise<Pruned> {
  const input = join(folder, "float.onnx");
  const output = join(folder, "pruned.onnx");
  await writeModel(model, input);
  const report = await prune({ ...options, input, output });
  return { report, input, output, model: await readModel(output) };
}

/** How far the outputs of two model files lie apart on images after the calibration ones, relative to the largest value of the first. */
export async function outputDifference(
  first: string,
  second: string,
  source: DataSource,
): Promise<{ readonly largest: number; readonly mean: number }> {
  await using a = await openSession(first);
  await using b = await openSession(second);
  let [scale, largest, sum, count] = [1e-9, 0, 0, 0];
  for await (const { feeds } of source.batches({ batchSize: 1, first: source.count, count: 32 })) {
    const [expected, found] = [Object.values(await a.run(feeds)), Object.values(await b.run(feeds))];
    for (const [index, value] of expected.entries()) {
      const other = floatsOf(found[index]);
      for (const [place, number] of floatsOf(value).entries()) {
        const difference = Math.abs(number - (other[place] ?? Number.NaN));
        scale = Math.max(scale, Math.abs(number));
        largest = Number.isNaN(difference) ? Infinity : Math.max(largest, difference);
        sum += difference;
        count++;
      }
    }
  }
  return { largest: largest / scale, mean: sum / count / scale };
}

function floatsOf(value: TensorValue | undefined): Float32Array {
  return value?.data instanceof Float32Array ? value.data : new Float32Array(0);
}
