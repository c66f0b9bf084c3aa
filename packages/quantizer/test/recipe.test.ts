import { join } from "node:path";
import { type DataSource, digestModel, readModel, writeModel } from "@edgewatt/onnx";
import { describe, expect, it } from "vitest";
import { ModelBuilder } from "../../onnx/test/build-model.ts";
import { useTempDir } from "../../onnx/test/temp-dir.ts";
import { quantize } from "../src/quantize.ts";
import { QUANTIZER_VERSION, recipeConflicts } from "../src/recipe.ts";
import { measureSensitivity } from "../src/sensitivity/measure.ts";

const folder = await useTempDir();

/** Images of small multiples of 1/8, so that no processor rounds a sum that a small network makes of them. */
const exactImages: DataSource = {
  kind: "npy",
  name: "exact values",
  count: 4,
  available: 4,
  async *batches({ first = 0, count = 4 }) {
    for (let image = first; image < first + count; image++) {
      const data = Float32Array.from({ length: 64 }, (_, index) => (((index * 7 + image * 13) % 31) - 11) / 8);
      yield await Promise.resolve({ feeds: { x: { type: "float32", dims: [1, 4, 4, 4], data } }, count: 1 });
    }
  },
};

describe("a recipe", () => {
  it.each([
    [{ parity: "ort", techniques: ["equalization"] }, /parity .* no techniques/],
    [{ parity: "ort", keepFloat: ["a"] }, /no nodes kept in float/],
    [{ parity: "ort-preprocessed", method: "mse" }, /no method mse: .* minmax, moving-average, percentile, entropy/],
    [{ target: { sqnrDb: 30 }, method: "entropy" }, /chooses method and techniques by itself/],
    [{ percentile: 99 }, /goes with the methods percentile and auto/],
  ] as const)("%j is refused", (recipe, why) => {
    expect(recipeConflicts(recipe).join("\n")).toMatch(why);
  });

  it("names all its conflicts, and has none where its parts go together", () => {
    expect(recipeConflicts({ parity: "ort", target: { sqnrDb: 30 }, percentile: 99 })).toHaveLength(2);
    expect(recipeConflicts({})).toEqual([]);
    expect(recipeConflicts({ parity: "ort", method: "percentile", percentile: 99.9 })).toEqual([]);
    expect(recipeConflicts({ target: { accuracyDropPt: 1 }, keepFloat: ["a"] })).toEqual([]);
  });

  it("is refused by a comparison of layers too, before it reads anything", async () => {
    const comparing = measureSensitivity({ input: "nowhere.onnx", calibration: exactImages, percentile: 99 });
    await expect(comparing).rejects.toMatchObject({ code: "options-conflict" });
  });
});

describe("QUANTIZER_VERSION", () => {
  it("is that of what the quantizer makes: where this file changes, raise the version and write down both", async () => {
    const b = new ModelBuilder();
    const first = b.node("Conv", [
      b.input("x", [1, 4, 4, 4]),
      b.dyadic([8, 4, 1, 1], -1, 1, 1 / 16),
      b.dyadic([8], -1, 1, 1 / 8),
    ]);
    const second = b.node("Conv", [b.relu(first), b.dyadic([4, 8, 1, 1], -1, 1, 1 / 16)]);
    b.output(b.node("MaxPool", [second], { kernel_shape: [2n, 2n], strides: [2n, 2n] }), [1, 4, 2, 2]);
    const [input, output] = [join(folder, "exact.onnx"), join(folder, "exact-int8.onnx")];
    await writeModel(b.build(), input);
    await quantize({ input, output, calibration: exactImages, format: "u8s8", reduceRange: false });
    const made = { version: QUANTIZER_VERSION, digest: digestModel(await readModel(output)) };
    expect(made).toEqual({ version: 1, digest: "85f131142a85835600dc834ee2ad168bf560c65dc2c62bd6f78144b3fb1321ef" });
  });
});
