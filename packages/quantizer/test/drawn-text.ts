import type { DataSource } from "@edgewatt/onnx";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

interface Size {
  readonly height: number;
  readonly width: number;
}

/**
 * Seeded images of lines of strokes that a model for reading text takes for text, every second one upside down; channels first, values in [-1, 1].
 */
export function drawnText({ height, width }: Size, count: number): DataSource {
  const values = 3 * height * width;
  return {
    kind: "images",
    name: "drawn text",
    count,
    available: 2 * count,
    async *batches({ batchSize, first = 0, count: wanted = count }) {
      for (let start = first; start < first + wanted; start += batchSize) {
        const size = Math.min(batchSize, first + wanted - start);
        const data = new Float32Array(size * values);
        for (let index = 0; index < size; index++) {
          const image = drawImage({ height, width }, start + index);
          data.set((start + index) % 2 === 0 ? image : upsideDown(image, height * width), index * values);
        }
        const x = { type: "float32" as const, dims: [size, 3, height, width], data };
        yield await Promise.resolve({ feeds: { x }, count: size });
      }
    },
  };
}

function drawImage({ height, width }: Size, seed: number): Float32Array {
  const generator = xoroshiro128plus(seed + 1);
  const upTo = (limit: number): number => uniformFloat64(generator) * limit;
  const pixels = height * width;
  const image = new Float32Array(3 * pixels);
  const paper = [0, 1, 2].map(() => 0.4 + upTo(0.6));
  const ink = [0, 1, 2].map(() => upTo(0.6) - 1);
  for (let index = 0; index < image.length; index++)
    image[index] = (paper[Math.floor(index / pixels)] as number) + upTo(0.1) - 0.05;
  const dot = (row: number, column: number): void => {
    if (row >= height || column >= width) return;
    for (let channel = 0; channel < 3; channel++)
      image[channel * pixels + row * width + column] = ink[channel] as number;
  };
  const lines = 1 + Math.floor(upTo(height / 24));
  for (let line = 0; line < lines; line++) {
    const top = Math.floor(upTo(height - 16));
    const tall = 10 + Math.floor(upTo(Math.min(22, height - 12)));
    const end = width * (0.6 + upTo(0.4)) - 8;
    for (let left = 4 + Math.floor(upTo(width * 0.3)); left < end;) {
      const wide = 4 + Math.floor(upTo(8));
      // Some letters are blanks, the others three strokes of two pixels.
      const strokes = upTo(1) < 0.15 ? 0 : 3;
      for (let stroke = 0; stroke < strokes; stroke++) {
        const upright = upTo(1) < 0.5;
        const [row, column] = [top + Math.floor(upTo(tall * 0.8)), left + Math.floor(upTo(wide))];
        const length = upright ? Math.floor(tall * (0.4 + upTo(0.6))) : wide;
        for (let step = 0; step < length; step++) {
          for (let side = 0; side < 2; side++) dot(row + (upright ? step : side), column + (upright ? side : step));
        }
      }
      left += wide + 2;
    }
  }
  return image;
}

function upsideDown(image: Float32Array, pixels: number): Float32Array {
  return image.map((_, index) => {
    const channel = Math.floor(index / pixels);
    return image[channel * pixels + pixels - 1 - (index % pixels)] as number;
  });
}
