import { join } from "node:path";
import { describeModel, writeModel, type ModelProto } from "@edgewatt/onnx";
import fc from "fast-check";
import { expect, it } from "vitest";
import { ModelBuilder } from "../../onnx/test/build-model.ts";
import { useTempDir } from "../../onnx/test/temp-dir.ts";
import { QUANTIZATION_FORMATS } from "../src/format.ts";
import { quantize } from "../src/quantize.ts";
import { randomSource } from "../../onnx/test/random-source.ts";

const folder = await useTempDir();

const layer = fc.record({
  kind: fc.constantFrom("conv", "depthwise", "residual", "pool", "concat", "bare", "transpose", "exp"),
  activation: fc.constantFrom("none", "relu", "relu6"),
  batchNorm: fc.boolean(),
  channels: fc.integer({ min: 1, max: 20 }),
  kernel: fc.constantFrom(1, 3),
});
type Layer = typeof layer extends fc.Arbitrary<infer T> ? T : never;

/** A random network: each step reads the last tensor, some join it with an earlier one. */
function buildRandom(seed: number, layers: readonly Layer[]): ModelProto {
  const b = new ModelBuilder({ seed });
  let channels = 4;
  let tensor = b.conv(b.input("x", ["batch", 4, 8, 8]), 4, 4);
  for (const step of layers) {
    const before = tensor;
    switch (step.kind) {
      case "conv":
        tensor = b.conv(tensor, channels, step.channels, { kernel: step.kernel });
        channels = step.channels;
        break;
      case "depthwise":
        tensor = b.conv(tensor, channels, channels, { kernel: step.kernel, groups: channels });
        break;
      case "residual":
        tensor = b.node("Add", [b.conv(tensor, channels, channels, { kernel: step.kernel }), before]);
        break;
      case "pool":
        tensor = b.node("MaxPool", [tensor], { kernel_shape: [3n, 3n], pads: [1n, 1n, 1n, 1n] });
        break;
      case "concat":
        tensor = b.node("Concat", [b.conv(tensor, channels, step.channels), before], { axis: 1n });
        channels += step.channels;
        break;
      case "bare":
        tensor = b.conv(tensor, channels, channels, { kernel: 1, bias: false });
        break;
      case "transpose":
        tensor = b.node("Transpose", [tensor], { perm: [0n, 1n, 3n, 2n] });
        break;
      case "exp":
        // An operator that has no rule; Tanh before it keeps its output small.
        tensor = b.node("Exp", [b.node("Tanh", [tensor])]);
        break;
    }
    if (step.batchNorm) tensor = b.batchNorm(tensor, channels);
    if (step.activation === "relu") tensor = b.relu(tensor);
    if (step.activation === "relu6") tensor = b.relu6(tensor);
  }
  b.output(tensor, ["batch", channels, 8, 8]);
  return b.build();
}

it("any small network quantizes, fuses, keeps its inputs and outputs, and stays close to float", async () => {
  const input = join(folder, "random.onnx");
  const output = join(folder, "random-int8.onnx");
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 1_000_000 }),
      fc.array(layer, { minLength: 1, maxLength: 6 }),
      fc.constantFrom(...QUANTIZATION_FORMATS),
      async (seed, layers, format) => {
        await writeModel(buildRandom(seed, layers), input);
        const calibration = randomSource([{ name: "x", shape: ["batch", 4, 8, 8] }], 4);
        const report = await quantize({ input, output, calibration, format });
        const [before, after] = [await describeModel(input), await describeModel(output)];
        expect(after.inputs).toEqual(before.inputs);
        expect(after.outputs).toEqual(before.outputs);
        expect(report.nodes.float.filter((node) => node.op === "Conv")).toEqual([]);
        if (report.sqnrDb !== null) expect(report.sqnrDb).toBeGreaterThan(3);
      },
    ),
    { numRuns: 25, seed: 20_260_101 },
  );
});
