import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DataType, describeModel, writeModel } from "@edgewatt/onnx";
import { describe, expect, it } from "vitest";
import { describeInputs } from "../src/describe-inputs.ts";
import { ModelBuilder } from "./build-model.ts";
import { useTempDir } from "./temp-dir.ts";

const folder = await useTempDir();
const zoo = fileURLToPath(new URL("../../../models/mobilenetv1-cifar10-p40.onnx", import.meta.url));

describe("the inputs that a model declares", () => {
  it("are those that ONNX Runtime sees", async () => {
    expect(await describeInputs(zoo)).toEqual((await describeModel(zoo)).inputs);
  });

  it("include several, of other types and with free sides", async () => {
    const path = join(folder, "inputs.onnx");
    const builder = new ModelBuilder();
    const types = Object.entries(DataType).filter(([name]) => name !== "BFLOAT16");
    for (const [name, type] of types) {
      builder.input(name, ["batch", 3], type);
      builder.output(builder.node("Identity", [name]), ["batch", 3], type);
    }
    await writeModel(builder.build(), path);
    const { inputs } = await describeModel(path);
    expect(await describeInputs(path)).toEqual(inputs);
    expect(inputs).toHaveLength(types.length);
  });

  it("need a model", async () => {
    await expect(describeInputs(join(folder, "none.onnx"))).rejects.toMatchObject({ code: "model-unreadable" });
  });
});
