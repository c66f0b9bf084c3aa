import { join } from "node:path";
import { readModel, writeModel } from "@edgewatt/onnx";
import { describe, expect, it } from "vitest";
import { useTempDir } from "../../onnx/test/temp-dir.ts";
import { prune } from "../src/index.ts";
import { EXPORTED } from "./exported-models.ts";
import { buildVgg, randomImages } from "./networks.ts";
import { outputDifference } from "./prune-model.ts";
import { expectAsReported, expectLosslessWhereRedundant, expectUnchangedByZero } from "./promises.ts";

const folder = await useTempDir();
const images = randomImages(64);
/** More images than any layer has inputs, or some would seem redundant by chance. */
const manyImages = randomImages(300);

describe.each(EXPORTED)("a model with %s", (name, build) => {
  it("pruned by 0 gives what it gave, to 1e-5", () => expectUnchangedByZero(folder, build(), images));

  it("loses channels, and keeps its inputs and outputs", async () => {
    const report = await expectAsReported(folder, build, { fraction: 0.5, align: 8, calibration: images });
    // Two layers with one weight: what the first writes, the second reads.
    expect(report.channels.some(({ before, after }) => after < before)).toBe(true);
    expect(report.params.after).toBeLessThan(report.params.before);
  });

  it.skipIf(name.startsWith("dead"))("loses nothing, to 1e-4, where half of its channels are redundant", () =>
    expectLosslessWhereRedundant(folder, build(), manyImages),
  );
});

it("a model with weights in a file of their own is read and pruned", async () => {
  const [input, output, inline] = ["external.onnx", "pruned.onnx", "inline.onnx"].map((file) => join(folder, file)) as [
    string,
    string,
    string,
  ];
  await writeModel(buildVgg(), input, { externalData: true });
  await writeModel(buildVgg(), inline);
  const report = await prune({ input, output, fraction: 0.3, align: 1, calibration: images });
  expect(report.bytes.before).toBeGreaterThan(4 * report.params.before);
  expect(report.params.after).toBeLessThan(report.params.before);
  expect((await readModel(output)).graph?.initializer.length).toBeGreaterThan(0);
  expect((await outputDifference(inline, output, images)).mean).toBeLessThan(0.5);
});
