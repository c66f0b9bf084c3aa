import { deriveModel, makeOutput } from "../src/graph.ts";
import { openSession } from "../src/session.ts";
import type { ModelProto } from "../src/proto.ts";

/** All values of all outputs of a model, run as it is on waves that differ per element. */
export async function runModel(
  model: ModelProto,
  inputs: Readonly<Record<string, readonly number[]>>,
): Promise<{ dims: readonly (readonly number[])[]; values: number[] }> {
  await using session = await openSession(model, { optimization: "disabled" });
  const feeds = Object.entries(inputs).map(([name, dims]) => {
    const size = dims.reduce((product, dim) => product * dim, 1);
    const data = Float32Array.from({ length: size }, (_, index) => 2 * Math.sin(index * 0.7 + 0.3));
    return [name, { type: "float32" as const, dims, data }] as const;
  });
  const outputs = Object.values(await session.run(Object.fromEntries(feeds)));
  return {
    dims: outputs.map((output) => output.dims),
    values: outputs.flatMap((output) => Array.from(output.data as Iterable<number | bigint>, Number)),
  };
}

/** Leaves the types and shapes of a model's outputs to ONNX Runtime. */
export function inferOutputs(model: ModelProto): ModelProto {
  return deriveModel(model, { output: (model.graph?.output ?? []).map(({ name }) => makeOutput(name)) });
}

/** The largest difference of two results, relative to the largest value. */
export function differenceOf(a: { values: readonly number[] }, b: { values: readonly number[] }): number {
  const largest = Math.max(1e-9, ...a.values.map(Math.abs));
  if (a.values.length !== b.values.length) return Infinity;
  return Math.max(...a.values.map((value, index) => Math.abs(value - (b.values[index] ?? Infinity)))) / largest;
}
