import { countParameters, describeModel, dimsOf, Graph, type DataSource, type ModelProto } from "@edgewatt/onnx";
import { expect } from "vitest";
import type { Alignment, Allocation, Criterion, PruneReport } from "../src/index.ts";
import { duplicateChannels } from "./duplicate-channels.ts";
import { outputDifference, pruneModel } from "./prune-model.ts";

/** The channels that each layer writes, by its name. */
function channelsOf(model: ModelProto): ReadonlyMap<string, number> {
  const graph = new Graph(model);
  return new Map(
    graph.nodes.flatMap((node) => {
      const weight = graph.constant(node.input[1] ?? "");
      if (weight === undefined || !["Conv", "Gemm", "MatMul"].includes(node.opType)) return [];
      const dims = dimsOf(weight);
      const isFirst = node.opType === "Conv" || node.attribute.some(({ name, i }) => name === "transB" && i === 1n);
      return [[node.name, dims[isFirst ? 0 : 1] as number] as const];
    }),
  );
}

/** Pruning by 0 changes nothing, to 1e-5. */
export async function expectUnchangedByZero(folder: string, model: ModelProto, images: DataSource): Promise<void> {
  const { report, input, output } = await pruneModel(folder, model, { fraction: 0, calibration: images });
  expect(report.params.after).toBe(report.params.before);
  expect((await outputDifference(input, output, images)).largest).toBeLessThan(1e-5);
}

/**
 * The pruned model loads, has the channels and parameters that the report says, keeps names, shapes and types of inputs and outputs, and gives about what
 * the original gave.
 */
export async function expectAsReported(
  folder: string,
  build: () => ModelProto,
  options: {
    readonly fraction: number;
    readonly align: Alignment;
    readonly by?: Criterion;
    readonly allocate?: Allocation;
    readonly calibration: DataSource;
  },
): Promise<PruneReport> {
  const { report, input, output, model } = await pruneModel(folder, build(), options);
  const [whole, found] = [channelsOf(build()), channelsOf(model)];
  for (const { name, before, after } of report.channels) {
    expect(after, `channels of ${name}`).toBeLessThanOrEqual(before);
    if (found.has(name)) expect(found.get(name), `channels of ${name}`).toBe(after);
  }
  for (const { name, reason } of report.left) {
    expect(reason).not.toBe("");
    // Nodes without a name got one, and weights behind Constant nodes are not looked for.
    if (whole.has(name)) expect(found.get(name), `channels of ${name}`).toBe(whole.get(name));
  }
  expect(report.params).toEqual({ before: countParameters(build()), after: countParameters(model) });
  const [before, after] = [await describeModel(input), await describeModel(output)];
  expect(after.inputs).toEqual(before.inputs);
  expect(after.outputs).toEqual(before.outputs);
  expect((await outputDifference(input, output, options.calibration)).mean).toBeLessThan(0.5);
  return report;
}

/**
 * Where the second half of each group's channels does what the first does, pruning by a half loses nothing, to 1e-4; by a third, where channels may be
 * odd in number.
 */
export async function expectLosslessWhereRedundant(
  folder: string,
  model: ModelProto,
  images: DataSource,
  fraction = 0.5,
): Promise<PruneReport> {
  const redundant = await duplicateChannels(model, images);
  const { report, input, output } = await pruneModel(folder, redundant, {
    fraction,
    align: 1,
    calibration: images,
  });
  expect((await outputDifference(input, output, images)).largest).toBeLessThan(1e-4);
  return report;
}
