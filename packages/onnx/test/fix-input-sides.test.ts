import { join } from "node:path";
import { describeInputs, describeModel, fixInputSides, writeModel } from "@edgewatt/onnx";
import { expect, it } from "vitest";
import { ModelBuilder } from "./build-model.ts";
import { useTempDir } from "./temp-dir.ts";

const folder = await useTempDir();

function openSides() {
  const b = new ModelBuilder({ seed: 1 });
  b.output(b.relu(b.conv(b.input("image", ["batch", 3, "height", "width"]), 3, 4)));
  return b.build();
}

it("fixes the sides that are open, but for the first one", async () => {
  const path = join(folder, "fixed.onnx");
  const model = openSides();
  fixInputSides(model, { name: "image", type: "float32", shape: ["batch", 3, "height", "width"] }, [1, 3, 24, 32]);
  await writeModel(model, path);
  expect((await describeInputs(path))[0]?.shape).toEqual(["batch", 3, 24, 32]);
  expect((await describeModel(path)).input.shape.slice(1)).toEqual([3, 24, 32]);
});

it.each([
  ["another number of sides", [3, 24, 32]],
  ["another number of channels", [1, 4, 24, 32]],
])("refuses %s", (_what, sides) => {
  expect(() =>
    fixInputSides(openSides(), { name: "image", type: "float32", shape: ["batch", 3, "height", "width"] }, sides),
  ).toThrow(/does not fit input "image" of shape \[batch, 3, height, width\]/);
});
