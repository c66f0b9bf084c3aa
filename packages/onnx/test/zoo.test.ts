import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { describeModel } from "../src/describe.ts";
import { countParameters } from "../src/params.ts";
import { readModel } from "../src/reader.ts";

const zoo = fileURLToPath(new URL("../../../models/", import.meta.url));

describe("the model zoo", () => {
  it.each([
    ["p00", 3_217_226],
    ["p05", 2_902_069],
    ["p10", 2_606_173],
    ["p20", 2_066_884],
    ["p30", 1_588_917],
    ["p40", 1_174_647],
  ])("%s has the parameter count of the published study", async (name, params) => {
    expect(countParameters(await readModel(`${zoo}mobilenetv1-cifar10-${name}.onnx`))).toBe(params);
  });

  it("is described by what it takes and gives", async () => {
    const description = await describeModel(`${zoo}mobilenetv1-cifar10-p40.onnx`);
    expect(description).toMatchObject({
      input: { name: "input", type: "float32", shape: ["batch", 3, 32, 32] },
      output: { name: "logits", type: "float32", shape: ["batch", 10] },
      params: 1_174_647,
      opset: 13,
    });
  });
});
