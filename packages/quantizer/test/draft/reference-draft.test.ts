import { join } from "node:path";
import { writeModel } from "@edgewatt/onnx";
import { expect, it } from "vitest";
import { ModelBuilder } from "../../../onnx/test/build-model.ts";
import { randomSource } from "../../../onnx/test/random-source.ts";
import { useTempDir } from "../../../onnx/test/temp-dir.ts";
import { quantize } from "../../src/quantize.ts";

const folder = await useTempDir();

it("says that it is the reference's fault where it makes a model that does not load", async () => {
  const b = new ModelBuilder({ opset: 11 });
  const shape = ["batch", 4, 6, 6] as const;
  b.output(b.conv(b.input("x", shape), 4, 8), ["batch", 8, 6, 6]);
  const [input, output] = [join(folder, "float.onnx"), join(folder, "int8.onnx")];
  await writeModel(b.build(), input);
  const options = { input, output, calibration: randomSource([{ name: "x", shape }]), parity: "ort" } as const;
  await expect(quantize(options)).rejects.toMatchObject({ code: "opset-too-old", context: { opset: 11 } });
  expect((await quantize({ ...options, perTensor: true })).nodes.quantized).toBe(1);
});
