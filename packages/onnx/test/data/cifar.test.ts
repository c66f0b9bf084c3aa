import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openCifar } from "../../src/data/cifar.ts";
import { openCalibration } from "../../src/data/open.ts";
import { CanceledError, DataError } from "../../src/errors.ts";
import { useTempDir } from "../temp-dir.ts";
import { collect, NCHW_32, NHWC_32 } from "./images.ts";

const folder = await useTempDir();
const path = join(folder, "batch.bin");
const RECORD = 3073;

/** Ten records: record i has label i, red i, green 100 + i, blue 200 + i, and a first pixel of red 255. */
const records = Buffer.concat(
  Array.from({ length: 10 }, (_, i) => {
    const record = Buffer.concat([
      Buffer.from([i]),
      Buffer.alloc(1024, i),
      Buffer.alloc(1024, 100 + i),
      Buffer.alloc(1024, 200 + i),
    ]);
    record[1] = 255;
    return record;
  }),
);
await writeFile(path, records);

describe("openCifar", () => {
  it("gives images in file order with their labels", async () => {
    const source = await openCifar(path, { inputs: [NCHW_32], images: 7 });
    expect(source).toMatchObject({ kind: "cifar", name: path, count: 7, available: 10 });
    const batches = await collect(source, 3);
    expect(batches.map((batch) => batch.count)).toEqual([3, 3, 1]);
    expect(batches.flatMap((batch) => [...(batch.labels ?? [])])).toEqual([0, 1, 2, 3, 4, 5, 6]);
    const last = batches[2]?.feeds["input"];
    expect(last?.dims).toEqual([1, 3, 32, 32]);
    const values = last?.data as Float32Array;
    expect(values[0]).toBe(1);
    expect([values[1], values[1024], values[2048]]).toEqual([6, 106, 206].map((byte) => Math.fround(byte / 255)));
  });

  it("gives the samples that are held back, and what is there of them", async () => {
    const source = await openCifar(path, { inputs: [NCHW_32], images: 4 });
    expect((await collect(source, 4, 8, 100)).map((batch) => batch.labels)).toEqual([Uint8Array.of(8, 9)]);
  });

  it("interleaves channels for a model that takes NHWC, and normalizes each", async () => {
    const source = await openCifar(path, { inputs: [NHWC_32], images: 1, mean: [0.5, 0.25, 0], std: [0.5, 0.5, 2] });
    const [batch] = await collect(source, 1);
    expect(batch?.feeds["input"]?.dims).toEqual([1, 32, 32, 3]);
    const values = batch?.feeds["input"]?.data as Float32Array;
    expect([...values.subarray(0, 6)]).toEqual(
      [
        (1 - 0.5) / 0.5,
        (100 / 255 - 0.25) / 0.5,
        200 / 255 / 2,
        (0 - 0.5) / 0.5,
        (100 / 255 - 0.25) / 0.5,
        200 / 255 / 2,
      ].map(Math.fround),
    );
  });

  it("is what openCalibration takes any other file for", async () => {
    expect((await openCalibration(path, { inputs: [NCHW_32] })).count).toBe(10);
  });

  it.each([
    [
      "no whole number of records",
      records.subarray(0, RECORD + 5),
      [NCHW_32],
      /is not a CIFAR-10 binary file: its 3078 bytes/,
    ],
    ["an empty file", Buffer.alloc(0), [NCHW_32], /is not a CIFAR-10 binary file/],
    ["another size of input", records, [{ ...NCHW_32, shape: [1, 3, 224, 224] }], /the model takes 224x224/],
    ["an input that is no image", records, [{ ...NCHW_32, shape: [1, 128] }], /cannot feed input "input"/],
    ["two inputs", records, [NCHW_32, { ...NCHW_32, name: "second" }], /a model with 2 inputs/],
  ])("refuses %s", async (_, content, inputs, message) => {
    const bad = join(folder, "bad.bin");
    await writeFile(bad, content);
    await expect(openCifar(bad, { inputs })).rejects.toThrow(DataError);
    await expect(openCifar(bad, { inputs })).rejects.toThrow(message);
  });

  it("refuses normalization that does not fit the channels", async () => {
    await expect(openCifar(path, { inputs: [NCHW_32], mean: [0.5, 0.5] })).rejects.toThrow(
      /--mean has 2 values, and the model's input needs 3/,
    );
    await expect(openCifar(path, { inputs: [NCHW_32], std: [0] })).rejects.toThrow(/--std must be above 0/);
  });

  it("stops on an aborted signal", async () => {
    const source = await openCifar(path, { inputs: [NCHW_32] });
    const read = async (): Promise<void> => {
      for await (const batch of source.batches({ batchSize: 1, signal: AbortSignal.abort() }))
        expect(batch).toBeUndefined();
    };
    await expect(read()).rejects.toThrow(CanceledError);
  });
});
