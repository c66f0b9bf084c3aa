import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CanceledError, DataError, ModelError, openCalibration, writeModel, type DataSource } from "@edgewatt/onnx";
import { describe, expect, it } from "vitest";
import { ModelBuilder } from "../../onnx/test/build-model.ts";
import { randomSource } from "../../onnx/test/random-source.ts";
import { useTempDir } from "../../onnx/test/temp-dir.ts";
import { PrunerError, prune, type Alignment, type PruneOptions } from "../src/index.ts";
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

  it("a model without channels that could go, or one that is quantized", async () => {
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

/** A .npy file of zeros (format 1.0 of numpy.lib.format). */
function npyOfFloats(shape: readonly number[]): Buffer {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(", ")}), }`;
  const padded = `${header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11)}\n`;
  const start = Buffer.from([0x93, ...Buffer.from("NUMPY"), 1, 0, padded.length & 255, padded.length >> 8]);
  return Buffer.concat([start, Buffer.from(padded), Buffer.alloc(4 * shape.reduce((a, b) => a * b, 1))]);
}
