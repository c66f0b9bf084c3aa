import { rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { describeModel, ModelError, modelFileBytes, readModel, writeModel } from "@edgewatt/onnx";
import { addToRegistry, type Model, type ModelEntry } from "@edgewatt/registry";
import { sizeOf } from "../file-size.ts";

/** What is known of a model that its file does not say. */
export interface ModelFacts extends Partial<
  Pick<ModelEntry, "architecture" | "pruning" | "fineTuneEpochs" | "labels" | "lineage">
> {
  readonly name: string;
  readonly mean?: readonly number[] | undefined;
  readonly std?: readonly number[] | undefined;
}

/**
 * Checks a float model and adds a copy to the registry; weights that lie beside the file are taken into the copy.
 * @throws {ModelError} when it is none that can be loaded and measured
 */
export async function addFile(data: string, source: string, facts: ModelFacts): Promise<Model> {
  const { params, opset, input, output } = await describeModel(source);
  if (params === 0) {
    throw new ModelError(`${source} has no parameters to measure: give a float model`, {
      code: "no-parameters",
      context: { source },
    });
  }
  const { mean, std, ...others } = facts;
  const whole = (await modelFileBytes(source)) > (await sizeOf(source)) ? await inOneFile(source) : undefined;
  try {
    const bytes = await sizeOf(whole ?? source);
    return await addToRegistry(data, whole ?? source, (stored) => ({
      ...stored,
      params,
      opset,
      bytes,
      input: {
        name: input.name,
        shape: [...input.shape],
        ...(mean === undefined ? {} : { mean: [...mean] }),
        ...(std === undefined ? {} : { std: [...std] }),
      },
      output: { name: output.name, shape: [...output.shape] },
      ...others,
    }));
  } finally {
    if (whole !== undefined) await rm(whole, { force: true });
  }
}

async function inOneFile(source: string): Promise<string> {
  const target = path.join(os.tmpdir(), `edgewatt-${process.pid}.onnx`);
  await writeModel(await readModel(source), target, { externalData: false });
  return target;
}
