import { readFile, writeFile } from "node:fs/promises";
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

  it("leave out initializers that are listed among them, in old formats and new ones", async () => {
    const builder = new ModelBuilder();
    const x = builder.input("x", ["batch", 8]);
    builder.output(builder.gemm(x, 8, 4), ["batch", 4]);
    const model = builder.build();
    const declared = model.graph?.input[0];
    const weight = model.graph?.initializer[0]?.name ?? "";
    if (declared !== undefined) model.graph?.input.push({ ...declared, name: weight });
    const path = join(folder, "old.onnx");
    for (const irVersion of [3n, 4n]) {
      model.irVersion = irVersion;
      await writeModel(model, path);
      const names = (await describeInputs(path)).map((value) => value.name);
      expect(names).toEqual(["x"]);
    }
  });

  it("name what is wrong with a damaged file", async () => {
    const whole = await readFile(zoo);
    const path = join(folder, "damaged.onnx");
    for (const bytes of [whole.subarray(0, 3_000_000), whole.subarray(0, 3), Buffer.alloc(100, 255), Buffer.alloc(0)]) {
      await writeFile(path, bytes);
      await expect(describeInputs(path)).rejects.toMatchObject({ code: expect.stringMatching(/^model-/) });
    }
  });

  it("need a model", async () => {
    await expect(describeInputs(join(folder, "none.onnx"))).rejects.toMatchObject({ code: "model-unreadable" });
  });
});
