import { countParameters, dimsOf, Graph, openSession, type ModelProto } from "@edgewatt/onnx";
import { describe, expect, it } from "vitest";
import { useTempDir } from "../../onnx/test/temp-dir.ts";
import { keptCount } from "../src/choose/kept-count.ts";
import { duplicateChannels } from "./duplicate-channels.ts";
import { NETWORKS, randomImages } from "./networks.ts";
import { outputDifference, pruneModel } from "./prune-model.ts";

const folder = await useTempDir();
const images = randomImages(64);
/** More images than any layer has inputs, or some would seem redundant by chance. */
const manyImages = randomImages(600);

function channelsOf(model: ModelProto): ReadonlyMap<string, number> {
  const graph = new Graph(model);
  return new Map(
    graph.nodes.flatMap((node) => {
      const weight = graph.initializer(node.input[1] ?? "");
      if (weight === undefined || !["Conv", "Gemm", "MatMul"].includes(node.opType)) return [];
      return [[node.name, dimsOf(weight)[node.opType === "MatMul" ? 1 : 0] as number] as const];
    }),
  );
}

describe.each(NETWORKS)("%s", (_name, build) => {
  it("pruned by 0 gives what it gave, to 1e-5", async () => {
    const { report, input, output } = await pruneModel(folder, build(), { fraction: 0, calibration: images });
    expect(report.params.after).toBe(report.params.before);
    expect((await outputDifference(input, output, images)).largest).toBeLessThan(1e-5);
  });

  it.each([
    { fraction: 0.3, align: 1, by: "error" },
    { fraction: 0.5, align: 8, by: "error" },
    { fraction: 0.25, align: 1, by: "l1" },
    { fraction: 0.3, align: 16, by: "l1" },
  ] as const)(
    "pruned by $fraction, in multiples of $align, by $by: loads, with the counts that were promised",
    async (options) => {
      const { report, input, output, model } = await pruneModel(folder, build(), { ...options, calibration: images });
      const found = channelsOf(model);
      expect(report.channels.length).toBeGreaterThan(0);
      for (const { name, before, after } of report.channels) {
        expect(after, `channels of ${name}`).toBe(keptCount(before, options.fraction, options.align));
        expect(found.get(name), `channels of ${name}`).toBe(after);
      }
      for (const { name } of report.left)
        expect(found.get(name), `channels of ${name}`).toBe(channelsOf(build()).get(name));
      expect(report.params).toEqual({ before: countParameters(build()), after: countParameters(model) });
      expect(report.params.after).toBeLessThan(report.params.before);
      await using before = await openSession(input);
      await using after = await openSession(output);
      expect(after.inputs).toEqual(before.inputs);
      expect(after.outputs).toEqual(before.outputs);
      expect((await outputDifference(input, output, images)).mean).toBeLessThan(0.5);
    },
  );

  it("loses nothing, to 1e-4, where half of its channels are redundant", async () => {
    const model = await duplicateChannels(build(), manyImages);
    const { report, input, output } = await pruneModel(folder, model, {
      fraction: 0.5,
      align: 1,
      calibration: manyImages,
    });
    expect(report.params.after).toBeLessThan(0.6 * report.params.before);
    expect((await outputDifference(input, output, images)).largest).toBeLessThan(1e-4);
  });
});
