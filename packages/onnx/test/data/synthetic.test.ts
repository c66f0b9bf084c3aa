import { describe, expect, it } from "vitest";
import { drawDeadLeaves } from "../../src/data/dead-leaves.ts";
import { openCalibration } from "../../src/data/open.ts";
import { collect, floatsOf, NCHW_32, valuesOf } from "./images.ts";

const SIDE = 64;

/** Amplitude of the two-dimensional Fourier transform, by its definition along rows and then columns. */
function amplitudes(image: readonly number[]): number[][] {
  const rows = Array.from({ length: SIDE }, (_, row) =>
    transform(image.slice(row * SIDE, (row + 1) * SIDE).map((re) => [re, 0])),
  );
  const columns = Array.from({ length: SIDE }, (_, column) => transform(rows.map((row) => row[column] ?? [0, 0])));
  return columns.map((column) => column.map(([re, im]) => Math.hypot(re, im)));
}

function transform(values: readonly (readonly [number, number])[]): [number, number][] {
  return values.map((_, frequency) => {
    let [re, im] = [0, 0];
    for (const [index, [a, b]] of values.entries()) {
      const angle = (-2 * Math.PI * frequency * index) / values.length;
      re += a * Math.cos(angle) - b * Math.sin(angle);
      im += a * Math.sin(angle) + b * Math.cos(angle);
    }
    return [re, im];
  });
}

/** Slope of log amplitude over log frequency, of the spectrum averaged over images and directions. */
function spectralSlope(images: readonly (readonly number[])[]): number {
  const sums = new Map<number, { total: number; count: number }>();
  for (const image of images) {
    const mean = image.reduce((sum, value) => sum + value, 0) / image.length;
    // A window, as the image does not continue at its borders.
    const windowed = image.map((value, index) => (value - mean) * hann(index % SIDE) * hann(Math.floor(index / SIDE)));
    for (const [u, column] of amplitudes(windowed).entries()) {
      for (const [v, amplitude] of column.entries()) {
        const radius = Math.round(Math.hypot(Math.min(u, SIDE - u), Math.min(v, SIDE - v)));
        if (radius < 3 || radius > SIDE / 2 - 4) continue;
        const sum = sums.get(radius) ?? { total: 0, count: 0 };
        sums.set(radius, { total: sum.total + amplitude, count: sum.count + 1 });
      }
    }
  }
  const points = [...sums].map(([radius, { total, count }]) => [Math.log(radius), Math.log(total / count)] as const);
  const mx = points.reduce((sum, [x]) => sum + x, 0) / points.length;
  const my = points.reduce((sum, [, y]) => sum + y, 0) / points.length;
  const covariance = points.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0);
  return covariance / points.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
}

function hann(index: number): number {
  return 0.5 - 0.5 * Math.cos((2 * Math.PI * (index + 0.5)) / SIDE);
}

function brightness(bytes: Uint8Array): number[] {
  return Array.from({ length: bytes.length / 3 }, (_, pixel) => {
    const [r = 0, g = 0, b = 0] = bytes.subarray(pixel * 3, pixel * 3 + 3);
    return (r + g + b) / 3;
  });
}

const sample = Array.from({ length: 24 }, (_, index) => drawDeadLeaves(SIDE, SIDE, 7, index));

describe("drawDeadLeaves", () => {
  it("has the amplitude spectrum of photographs, about 1/f", () => {
    const slope = spectralSlope(sample.map(brightness));
    expect(slope).toBeLessThan(-0.8);
    expect(slope).toBeGreaterThan(-1.6);
  });

  it("would be told from white noise by that measure", () => {
    let state = 1;
    const noise = Array.from({ length: 4 }, () =>
      Array.from({ length: SIDE * SIDE }, () => (state = (state * 48_271) % 2_147_483_647) % 256),
    );
    expect(Math.abs(spectralSlope(noise))).toBeLessThan(0.2);
  });

  it("has the brightness, contrast and correlated colours of photographs", () => {
    const values = sample.flatMap((image) => [...image]);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length / 255;
    const spread = Math.sqrt(values.reduce((sum, value) => sum + (value / 255 - mean) ** 2, 0) / values.length);
    expect(mean).toBeGreaterThan(0.35);
    expect(mean).toBeLessThan(0.6);
    expect(spread).toBeGreaterThan(0.18);
    expect(spread).toBeLessThan(0.32);
    const differences = sample.flatMap((image) =>
      brightness(image).map((_, pixel) => (image[pixel * 3] ?? 0) - (image[pixel * 3 + 1] ?? 0)),
    );
    const colour = Math.sqrt(differences.reduce((sum, value) => sum + value ** 2, 0) / differences.length) / 255;
    expect(colour).toBeLessThan(spread);
  });

  it("depends on nothing but seed and index", () => {
    expect(drawDeadLeaves(SIDE, SIDE, 7, 3)).toEqual(sample[3]);
    expect(drawDeadLeaves(SIDE, SIDE, 8, 3)).not.toEqual(sample[3]);
    expect(sample[4]).not.toEqual(sample[3]);
  });
});

describe("the word synthetic", () => {
  it("names its images as synthetic, and gives any of them without those before", async () => {
    const source = await openCalibration("synthetic", { inputs: [NCHW_32], images: 6 });
    expect(source).toMatchObject({ kind: "synthetic", name: "synthetic", count: 6 });
    const all = await valuesOf(source, "input");
    expect(all).toHaveLength(6 * 3072);
    const [late] = await collect(source, 2, 4, 2);
    expect(floatsOf(late, "input")).toEqual(all.slice(4 * 3072));
    const more = await collect(source, 2, 6, 2);
    expect(more[0]?.count).toBe(2);
  });

  it("is refused where the model takes no image, or for no images", async () => {
    const vector = { name: "x", type: "float32", shape: ["batch", 40] };
    await expect(openCalibration("synthetic", { inputs: [vector] })).rejects.toThrow(/give its data as \.npy/);
    await expect(openCalibration("synthetic", { inputs: [NCHW_32], images: 0 })).rejects.toThrow(
      /--images must be a whole number/,
    );
  });
});
