import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  CanceledError,
  DataError,
  DataType,
  dimsOf,
  elementCount,
  ModelError,
  openCalibration,
  writeModel,
  type DataSource,
  type ModelProto,
} from "@edgewatt/onnx";
import { describe, expect, it } from "vitest";
import { ModelBuilder } from "../../onnx/test/build-model.ts";
import { randomSource } from "../../onnx/test/random-source.ts";
import { useTempDir } from "../../onnx/test/temp-dir.ts";
import { PrunerError, prune, type Alignment, type Allocation, type PruneOptions } from "../src/index.ts";
import { buildSeparable, randomImages } from "./networks.ts";

const folder = await useTempDir();
const input = join(folder, "float.onnx");
const output = join(folder, "pruned.onnx");
await writeModel(buildSeparable(), input);
const calibration = randomImages(40);

async function refusal(options: Partial<PruneOptions>): Promise<unknown> {
  const error: unknown = await prune({ input, output, fraction: 0.3, calibration, ...options }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(existsSync(output)).toBe(false);
  return error;
}

describe("refused, with nothing written", () => {
  it.each([-0.1, 1, 1.5, Number.NaN])("a fraction of %s", async (fraction) => {
    const error = await refusal({ fraction });
    expect(error).toBeInstanceOf(PrunerError);
    expect(error).toMatchObject({ code: "fraction", message: expect.stringMatching(/from 0 up to below 1/) as string });
  });

  it("an alignment that is none", async () => {
    expect(await refusal({ align: 7 as Alignment })).toMatchObject({ code: "alignment" });
  });

  it("too few images", async () => {
    expect(await refusal({ calibration: randomImages(8) })).toMatchObject({
      code: "data-too-few",
      message: expect.stringMatching(/gives 8 images, too few .* at least 32/) as string,
    });
  });

  it("images of another shape than the model takes", async () => {
    const other: DataSource = randomSource([{ name: "image", shape: ["batch", 4, 16, 16] }], 40);
    const error = await refusal({ calibration: other });
    expect(error).toBeInstanceOf(ModelError);
    expect(error).toMatchObject({
      code: "run-failed",
      message: expect.stringMatching(/check that the data fits/) as string,
    });
    const path = join(folder, "wrong.npy");
    await writeFile(path, npyOfFloats([40, 3, 8, 8]));
    await expect(
      openCalibration(path, { inputs: [{ name: "image", type: "float32", shape: ["batch", 3, 16, 16] }] }),
    ).rejects.toBeInstanceOf(DataError);
  });

  it("images that are not finite", async () => {
    const broken: DataSource = {
      ...calibration,
      async *batches(request) {
        for await (const batch of calibration.batches(request)) {
          for (const { data } of Object.values(batch.feeds)) data[0] = Number.NaN;
          yield batch;
        }
      },
    };
    expect(await refusal({ calibration: broken })).toMatchObject({ code: "data-not-finite" });
  });

  it("a file that is no model, or is not there", async () => {
    const path = join(folder, "text.onnx");
    await writeFile(path, "no model at all");
    expect(await refusal({ input: path })).toMatchObject({ code: "model-damaged" });
    expect(await refusal({ input: join(folder, "nowhere.onnx") })).toMatchObject({ code: "model-unreadable" });
  });

  it.each([
    ["between QuantizeLinear and DequantizeLinear", quantizedPair],
    ["with integer operators", quantizedOperators],
  ])("a model that is quantized, %s", async (_how, build) => {
    const path = join(folder, "int8.onnx");
    await writeModel(build(), path);
    expect(await refusal({ input: path })).toMatchObject({
      code: "already-quantized",
      message: expect.stringMatching(/is quantized already, .*prune the float model, then quantize that/) as string,
    });
  });

  it("a model in float16", async () => {
    const path = join(folder, "half.onnx");
    await writeModel(halfModel(), path);
    const images = randomSource([{ name: "image", shape: ["batch", 3, 16, 16] }], 40);
    expect(await refusal({ input: path, calibration: images })).toMatchObject({
      code: "not-float32",
      message: expect.stringMatching(/computes in float16, which is not pruned: export it in float32/) as string,
    });
  });

  it("an allocation that is none", async () => {
    expect(await refusal({ allocate: "best" as Allocation })).toMatchObject({ code: "allocation" });
  });

  it("a model whose channels all have to stay, with the reason of the first", async () => {
    const b = new ModelBuilder();
    const conv = b.conv(b.input("image", ["batch", 3, 16, 16]), 3, 16);
    const parts = b.node("Reshape", [conv, b.constant([5], BigInt64Array.of(0n, 4n, 4n, 16n, 16n))]);
    const shuffled = b.node("Transpose", [parts], { perm: [0n, 2n, 1n, 3n, 4n] });
    b.output(b.node("Reshape", [shuffled, b.constant([4], BigInt64Array.of(0n, 16n, 16n, 16n))]));
    const path = join(folder, "shuffled.onnx");
    await writeModel(b.build(), path);
    expect(await refusal({ input: path })).toMatchObject({
      code: "nothing-to-prune",
      message: expect.stringMatching(/through which channels cannot be followed/) as string,
    });
  });

  it("a model without channels that could go", async () => {
    const b = new ModelBuilder();
    b.output(b.conv(b.input("image", ["batch", 3, 16, 16]), 3, 8), ["batch", 8, 16, 16]);
    const path = join(folder, "whole.onnx");
    await writeModel(b.build(), path);
    expect(await refusal({ input: path })).toMatchObject({
      code: "nothing-to-prune",
      message: expect.stringMatching(/they are the model's output/) as string,
    });
  });

  it("an output that is the input, or in a folder that is not there", async () => {
    expect(await refusal({ output: input })).toMatchObject({ code: "output-is-input" });
    expect(await refusal({ output: join(folder, "no-folder", "out.onnx") })).toMatchObject({
      code: "output-unwritable",
    });
  });

  it.each(["measure", "choose", "repair"] as const)("what is canceled at %s", async (step) => {
    const controller = new AbortController();
    const error = await refusal({
      signal: controller.signal,
      onProgress: (progress) => {
        if (progress.step === step) controller.abort();
      },
    });
    expect(error).toBeInstanceOf(CanceledError);
  });
});

function quantizedPair(): ModelProto {
  const b = new ModelBuilder();
  const x = b.input("image", ["batch", 3, 16, 16]);
  const scale = b.constant([], Float32Array.of(0.02));
  const integers = b.node("QuantizeLinear", [x, scale]);
  b.output(b.conv(b.node("DequantizeLinear", [integers, scale]), 3, 8), ["batch", 8, 16, 16]);
  return b.build();
}

function quantizedOperators(): ModelProto {
  const b = new ModelBuilder();
  b.nodes("DynamicQuantizeLinear", [b.input("image", ["batch", 3, 16, 16])], ["integers", "scale", "zero"]);
  const sums = b.node("ConvInteger", ["integers", "integers"]);
  b.output(b.node("Cast", [sums], { to: BigInt(DataType.FLOAT) }));
  return b.build();
}

/** A network whose weights, input and output are float16. */
function halfModel(): ModelProto {
  const b = new ModelBuilder();
  const conv = b.conv(b.input("image", ["batch", 3, 16, 16], DataType.FLOAT16), 3, 8);
  b.output(b.conv(b.relu(conv), 8, 4), ["batch", 4, 16, 16], DataType.FLOAT16);
  const model = b.build();
  for (const tensor of model.graph?.initializer ?? []) {
    tensor.dataType = DataType.FLOAT16;
    tensor.rawData = new Uint8Array(2 * elementCount(dimsOf(tensor)));
    tensor.floatData = [];
  }
  return model;
}

/** A .npy file of zeros (format 1.0 of numpy.lib.format). */
function npyOfFloats(shape: readonly number[]): Buffer {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(", ")}), }`;
  const padded = `${header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11)}\n`;
  const start = Buffer.from([0x93, ...Buffer.from("NUMPY"), 1, 0, padded.length & 255, padded.length >> 8]);
  return Buffer.concat([start, Buffer.from(padded), Buffer.alloc(4 * shape.reduce((a, b) => a * b, 1))]);
}
