import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { improveRounding } from "../../src/improve/round-rows.ts";

/** Samples x as rows, and H = sum of x xᵀ. */
function momentsOf(samples: readonly (readonly number[])[], size: number): Float64Array {
  const moments = new Float64Array(size * size);
  for (const x of samples) {
    for (let row = 0; row < size; row++)
      for (let column = 0; column < size; column++)
        moments[row * size + column] = (moments[row * size + column] ?? 0) + (x[row] as number) * (x[column] as number);
  }
  return moments;
}

function errorOf(
  weights: readonly number[],
  rounded: ArrayLike<number>,
  samples: readonly (readonly number[])[],
): number {
  return samples.reduce((sum, x) => {
    const deviation = x.reduce(
      (dot, value, index) => dot + value * ((rounded[index] as number) - (weights[index] as number)),
      0,
    );
    return sum + deviation ** 2;
  }, 0);
}

const problem = fc.integer({ min: 1, max: 8 }).chain((size) =>
  fc.record({
    weights: fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { minLength: size, maxLength: size }),
    samples: fc.array(fc.array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: size, maxLength: size }), {
      minLength: 1,
      maxLength: 12,
    }),
  }),
);

describe("improveRounding", () => {
  it("never ends above the nearest integers, stays at their neighbours, and tells the true errors", () => {
    fc.assert(
      fc.property(problem, ({ weights, samples }) => {
        const exact = Float64Array.from(weights);
        const rounded = exact.map((value) => Math.round(value));
        const moments = momentsOf(samples, weights.length);
        const nearest = errorOf(weights, rounded, samples);
        const { before, after } = improveRounding({ exact, rounded }, moments);
        const found = errorOf(weights, rounded, samples);
        expect(before).toBeCloseTo(nearest, 6);
        expect(after).toBeCloseTo(found, 6);
        expect(found).toBeLessThanOrEqual(nearest + 1e-9);
        for (const [index, value] of rounded.entries()) {
          expect([
            Math.floor(weights[index] as number),
            Math.ceil(weights[index] as number),
            Math.round(weights[index] as number),
          ]).toContain(value);
        }
      }),
    );
  });

  it("rounds one of two weights up that always come together", () => {
    const exact = Float64Array.of(10.4, 20.4, 127);
    const rounded = Float64Array.of(10, 20, 127);
    const moments = momentsOf(
      [
        [1, 1, 0],
        [2, 2, 0],
        [1, 1, 1],
      ],
      3,
    );
    const { before, after } = improveRounding({ exact, rounded }, moments);
    expect([...rounded].sort((a, b) => a - b)).toEqual([expect.any(Number), expect.any(Number), 127]);
    expect((rounded[0] ?? 0) + (rounded[1] ?? 0)).toBe(31);
    expect(after / before).toBeCloseTo(0.04 / 0.64);
  });
});
