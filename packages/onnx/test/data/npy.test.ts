import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openCalibration } from "../../src/data/open.ts";
import { useTempDir } from "../temp-dir.ts";
import { collect, valuesOf } from "./images.ts";

const folder = await useTempDir();

/** The bytes of a `.npy` file of format version 1 or 2. */
function npy(descr: string, shape: readonly number[], data: Uint8Array | Float32Array, version = 1): Buffer {
  const sides = shape.length === 1 ? `${shape[0] ?? 0},` : shape.join(", ");
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${sides}), }`;
  const lengthBytes = version === 1 ? 2 : 4;
  const padded = `${text.padEnd(Math.ceil((text.length + 9 + lengthBytes) / 64) * 64 - 9 - lengthBytes)}\n`;
  const length = Buffer.alloc(lengthBytes);
  length.writeUIntLE(padded.length, 0, lengthBytes);
  const body = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return Buffer.concat([
    Buffer.from("\x93NUMPY", "latin1"),
    Buffer.from([version, 0]),
    length,
    Buffer.from(padded),
    body,
  ]);
}

const counting = (length: number): Float32Array => Float32Array.from({ length }, (_, index) => index);
const inputs = [{ name: "x", type: "float32", shape: ["batch", 2, 3] }];

describe("one .npy file", () => {
  it.each([1, 2])("of float32 is taken as it is (format version %d)", async (version) => {
    const path = join(folder, `float-${version}.npy`);
    await writeFile(path, npy("<f4", [5, 2, 3], counting(30), version));
    const source = await openCalibration(path, { inputs, images: 4 });
    expect(source).toMatchObject({ kind: "npy", count: 4, available: 5 });
    const batches = await collect(source, 3);
    expect(batches.map((batch) => batch.feeds["x"]?.dims)).toEqual([
      [3, 2, 3],
      [1, 2, 3],
    ]);
    expect(await valuesOf(source, "x")).toEqual([...counting(24)]);
  });

  it("of uint8 holds NHWC images, which are normalized into the model's layout", async () => {
    const path = join(folder, "images.npy");
    const bytes = Uint8Array.from({ length: 2 * 4 * 5 * 3 }, (_, index) => index);
    await writeFile(path, npy("|u1", [2, 4, 5, 3], bytes));
    const image = { name: "x", type: "float32", shape: ["batch", 3, 4, 5] };
    const source = await openCalibration(path, { inputs: [image], mean: [0.5], std: [0.5] });
    const values = await valuesOf(source, "x");
    const expected = (sample: number, channel: number, pixel: number): number =>
      Math.fround(((sample * 60 + pixel * 3 + channel) / 255 - 0.5) / 0.5);
    expect(values[0]).toBe(expected(0, 0, 0));
    expect(values[20 + 7]).toBe(expected(0, 1, 7));
    expect(values[60 + 40 + 19]).toBe(expected(1, 2, 19));
  });

  it("is known by its content where its name says nothing", async () => {
    const path = join(folder, "0f3a9c");
    await writeFile(path, npy("<f4", [2, 2, 3], counting(12)));
    expect((await openCalibration(path, { inputs })).kind).toBe("npy");
  });

  it("fixes dynamic sides by --input-shape", async () => {
    const path = join(folder, "dynamic.npy");
    await writeFile(path, npy("<f4", [2, 4, 3], counting(24)));
    const dynamic = [{ name: "x", type: "float32", shape: ["batch", "time", 3] }];
    expect((await openCalibration(path, { inputs: dynamic })).count).toBe(2);
    await expect(openCalibration(path, { inputs: dynamic, inputShape: [1, 5, 3] })).rejects.toThrow(
      /takes float32 \[1, 5, 3\]/,
    );
    await expect(openCalibration(path, { inputs: dynamic, inputShape: [1, 4, 4] })).rejects.toThrow(
      /--input-shape 1,4,4 does not fit/,
    );
  });

  it.each([
    [
      "other sides",
      npy("<f4", [5, 2, 4], counting(40)),
      /holds float32 \[5, 2, 4\] but input "x" takes float32 \[batch, 2, 3\]/,
    ],
    ["another type", npy("<f8", [1, 2, 3], counting(12)), /its type is <f8, use float32 or uint8/],
    ["fewer bytes than its shape", npy("<f4", [5, 2, 3], counting(29)), /its shape needs 120 bytes but it holds 116/],
    ["no samples", npy("<f4", [0, 2, 3], counting(0)), /holds no samples/],
    ["another file", Buffer.from("just some text, long enough"), /does not begin with the NumPy mark/],
    ["a few bytes", Buffer.from([0x93]), /it is too short/],
    [
      "a header without end",
      Buffer.concat([Buffer.from("\x93NUMPY\x01\x00\xff\xff", "latin1"), Buffer.alloc(20)]),
      /header is longer/,
    ],
  ])("is refused with %s", async (_, content, message) => {
    const path = join(folder, "bad.npy");
    await writeFile(path, content);
    await expect(openCalibration(path, { inputs })).rejects.toThrow(message);
  });
});

describe("a folder of .npy files", () => {
  it("feeds every input by its name", async () => {
    const arrays = join(folder, "arrays");
    await mkdir(arrays);
    await writeFile(join(arrays, "left.npy"), npy("<f4", [2, 2], counting(4)));
    await writeFile(join(arrays, "right.npy"), npy("<f4", [2, 3], counting(6)));
    const two = [
      { name: "left", type: "float32", shape: ["n", 2] },
      { name: "right", type: "float32", shape: ["n", 3] },
    ];
    const source = await openCalibration(arrays, { inputs: two });
    expect(await valuesOf(source, "left")).toEqual([0, 1, 2, 3]);
    expect(await valuesOf(source, "right")).toEqual([0, 1, 2, 3, 4, 5]);
    await writeFile(join(arrays, "right.npy"), npy("<f4", [3, 3], counting(9)));
    await expect(openCalibration(arrays, { inputs: two })).rejects.toThrow(
      /different numbers of samples \(left: 2, right: 3\)/,
    );
  });

  it("is refused when one is missing", async () => {
    const arrays = join(folder, "incomplete");
    await mkdir(arrays);
    await writeFile(join(arrays, "other.npy"), npy("<f4", [2, 2, 3], counting(12)));
    await expect(openCalibration(arrays, { inputs })).rejects.toThrow(/holds no images and not all of .*x\.npy/);
    await expect(openCalibration(join(folder, "nowhere"), { inputs })).rejects.toThrow(
      /cannot read calibration data .*nowhere/,
    );
  });
});
