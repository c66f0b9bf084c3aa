import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { openCalibration, packImages } from "@edgewatt/onnx";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { useTempDir } from "../temp-dir.ts";

const folder = await useTempDir();
const images = join(folder, "images");
await mkdir(images);
for (let index = 0; index < 5; index++) {
  const raw = Uint8Array.from({ length: 12 * 9 * 3 }, (_, place) => (place * 7 + index * 31) % 256);
  await sharp(raw, { raw: { width: 12, height: 9, channels: 3 } })
    .png()
    .toFile(join(images, `${index}.png`));
}

async function valuesOf(what: string, shape: readonly (number | string)[]): Promise<number[]> {
  const inputs = [{ name: "image", type: "float32", shape }];
  const source = await openCalibration(what, { inputs, images: 5, mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4] });
  const values: number[] = [];
  for await (const { feeds } of source.batches({ batchSize: 2 })) {
    values.push(...(feeds["image"]?.data as Float32Array));
  }
  return values;
}

describe("images packed into one file", () => {
  it.each([
    ["planes", ["batch", 3, 9, 12]],
    ["interleaved channels", ["batch", 9, 12, 3]],
    ["one grey plane", ["batch", 1, 9, 12]],
  ])("say the same to a model that takes %s", async (_what, shape) => {
    const file = join(folder, `${shape.join("-")}.npy`);
    const inputs = [{ name: "image", type: "float32", shape }];
    await packImages(await openCalibration(images, { inputs, images: 5 }), file);
    const grey = shape[1] === 1;
    if (grey) {
      const source = await openCalibration(file, { inputs, images: 5 });
      expect(source).toMatchObject({ kind: "npy", count: 5 });
      return;
    }
    expect(await valuesOf(file, shape)).toEqual(await valuesOf(images, shape));
  });
});
