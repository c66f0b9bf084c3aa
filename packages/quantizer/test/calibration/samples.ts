import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { computeParams, quantizeValue, type IntegerRange, type Range } from "../../src/int8/arithmetic.ts";
import { HistogramBuilder, type Histogram } from "../../src/calibration/histogram.ts";

export const UINT8: IntegerRange = { min: 0, max: 255 };

/** Seeded values in (0, 1). */
export function uniforms(seed: number): () => number {
  const generator = xoroshiro128plus(seed);
  return () => Math.max(uniformFloat64(generator), 1e-12);
}

export type Shape = "normal" | "relu" | "laplace" | "uniform" | "skewed" | "outliers";

/** Seeded values of a kind that networks hold. */
export function draw(shape: Shape, count: number, seed = 1): Float32Array {
  const random = uniforms(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
  const shapes: Readonly<Record<Shape, (index: number) => number>> = {
    normal,
    relu: () => Math.max(0, normal()),
    laplace: () => (random() < 0.5 ? Math.log(random()) : -Math.log(random())),
    uniform: () => 4 * random() - 1,
    skewed: () => -Math.log(random()) * 3 - 0.2,
    // One value in ten thousand lies far outside.
    outliers: (index) => normal() * (index % 10_000 === 17 ? 40 : 1),
  };
  return Float32Array.from({ length: count }, (_, index) => shapes[shape](index));
}

export function extremesOf(values: Float32Array): Range {
  return values.reduce((range, value) => ({ min: Math.min(range.min, value) + 0, max: Math.max(range.max, value) }), {
    min: 0,
    max: 0,
  });
}

export function histogramOf(values: Float32Array): Histogram {
  const builder = new HistogramBuilder(extremesOf(values));
  builder.add(values);
  return builder.finish();
}

/** The mean squared error that quantizing the values themselves makes. */
export function measuredError(values: Float32Array, range: Range, integers = UINT8): number {
  const params = computeParams(range, integers, false);
  let sum = 0;
  for (const value of values) {
    const integer = quantizeValue(value, params, integers);
    sum += (value - (integer - params.zeroPoint) * params.scale) ** 2;
  }
  return sum / values.length;
}
