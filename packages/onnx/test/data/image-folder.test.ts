import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { openCalibration } from "../../src/data/open.ts";
import { useTempDir } from "../temp-dir.ts";
import { valuesOf } from "./images.ts";

const folder = await useTempDir();
const images = join(folder, "images");
await mkdir(join(images, "sub"), { recursive: true });

/** A 64x32 picture: the outer quarters black, the centre square of one colour. */
async function save(path: string, colour: { r: number; g: number; b: number }): Promise<void> {
  const centre = await sharp({ create: { width: 32, height: 32, channels: 3, background: colour } })
    .png()
    .toBuffer();
  await sharp({ create: { width: 64, height: 32, channels: 3, background: "black" } })
    .composite([{ input: centre, left: 16, top: 0 }])
    .png()
    .toFile(path);
}

await save(join(images, "b.png"), { r: 0, g: 255, b: 0 });
await save(join(images, "a.png"), { r: 255, g: 0, b: 0 });
await save(join(images, "sub", "c.png"), { r: 0, g: 0, b: 255 });
await writeFile(join(images, "readme.txt"), "no image");

describe("a folder of images", () => {
  it("is read in the order of its paths, scaled and cropped to the centre", async () => {
    const inputs = [{ name: "x", type: "float32", shape: ["batch", 3, 8, 8] }];
    const source = await openCalibration(images, { inputs });
    expect(source).toMatchObject({ kind: "images", name: images, count: 3, available: 3 });
    const values = await valuesOf(source, "x");
    const centre = (sample: number): (number | undefined)[] =>
      [0, 1, 2].map((channel) => values[sample * 192 + channel * 64 + 36]);
    expect([0, 1, 2].map(centre)).toEqual([
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ]);
    // Without the crop the black sides would be in the picture.
    expect(values[3 * 8]).toBeGreaterThan(0.8);
  });

  it("becomes grey for a model with one channel", async () => {
    const inputs = [{ name: "x", type: "float32", shape: ["batch", 1, 8, 8] }];
    const values = await valuesOf(await openCalibration(images, { inputs, images: 1 }), "x");
    expect(values).toHaveLength(64);
    expect(values[36]).toBeGreaterThan(0.1);
    expect(values[36]).toBeLessThan(0.6);
  });

  it("needs fixed sides", async () => {
    const inputs = [{ name: "x", type: "float32", shape: ["batch", 3, "height", "width"] }];
    await expect(openCalibration(images, { inputs })).rejects.toThrow(/dynamic sides .* fix them with --input-shape/);
    expect((await openCalibration(images, { inputs, inputShape: [1, 3, 8, 8] })).count).toBe(3);
  });

  it("names the file that is no picture", async () => {
    const broken = join(folder, "broken");
    await mkdir(broken);
    await writeFile(join(broken, "x.jpg"), "not a picture");
    const inputs = [{ name: "x", type: "float32", shape: ["batch", 3, 8, 8] }];
    const source = await openCalibration(broken, { inputs });
    await expect(valuesOf(source, "x")).rejects.toThrow(/cannot decode image .*x\.jpg: remove it/);
  });
});
