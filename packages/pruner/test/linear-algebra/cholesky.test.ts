import { CholeskyDecomposition, inverse, Matrix } from "ml-matrix";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { describe, expect, it } from "vitest";
import { factorize, invert, solve } from "../../src/linear-algebra/cholesky.ts";
import { invertMoments, lesseningRidge, withRidge } from "../../src/linear-algebra/ridge.ts";

function randomMatrix(rows: number, columns: number, seed: number): Matrix {
  const generator = xoroshiro128plus(seed);
  return new Matrix(
    Array.from({ length: rows }, () => Array.from({ length: columns }, () => uniformFloat64(generator) * 2 - 1)),
  );
}

/** X Xᵀ, of full rank. */
function randomMoments(size: number, seed: number): Matrix {
  const x = randomMatrix(size, 2 * size, seed);
  return x.mmul(x.transpose());
}

const flat = (matrix: Matrix): Float64Array => Float64Array.from(matrix.to1DArray());

function expectClose(found: Float64Array, expected: Matrix, digits = 9): void {
  const values = expected.to1DArray();
  expect(found).toHaveLength(values.length);
  for (const [index, value] of values.entries()) expect(found[index]).toBeCloseTo(value, digits);
}

describe.each([1, 2, 3, 5, 8, 33])("a positive definite matrix of size %i", (size) => {
  const moments = randomMoments(size, size);
  const decomposition = new CholeskyDecomposition(moments);

  it("has the factor that ml-matrix finds", () => {
    const factor = flat(moments);
    expect(factorize(factor, size)).toBe(true);
    const lower = decomposition.lowerTriangularMatrix;
    for (let row = 0; row < size; row++) {
      for (let column = 0; column <= row; column++)
        expect(factor[row * size + column]).toBeCloseTo(lower.get(row, column), 10);
    }
  });

  it("solves for several columns as ml-matrix does", () => {
    const right = randomMatrix(size, 4, 100 + size);
    const [factor, solution] = [flat(moments), flat(right)];
    factorize(factor, size);
    solve(factor, size, solution, 4);
    expectClose(solution, decomposition.solve(right));
  });

  it("has the inverse that ml-matrix finds", () => {
    const factor = flat(moments);
    factorize(factor, size);
    expectClose(invert(factor, size), inverse(moments));
  });

  it("keeps its upper triangle while it is factorized", () => {
    const factor = flat(moments);
    factorize(factor, size);
    for (let row = 0; row < size; row++) {
      for (let column = row + 1; column < size; column++)
        expect(factor[row * size + column]).toBe(moments.get(row, column));
    }
  });
});

describe("what cannot be factorized", () => {
  it.each([
    ["singular", [1, 1, 1, 1]],
    ["indefinite", [1, 2, 2, 1]],
    ["not finite", [1, Number.NaN, Number.NaN, 1]],
  ])("is said to be so: %s", (_what, values) => {
    expect(factorize(Float64Array.from(values), 2)).toBe(false);
    if (_what !== "singular") expect(invertMoments(Float64Array.from(values), 2, 0)).toBeUndefined();
  });
});

describe("a ridge", () => {
  it("is a share of the mean of the diagonal, and makes a singular matrix solvable", () => {
    const moments = Float64Array.of(1, 1, 1, 3);
    expect([...withRidge(moments, 2, 0.5)]).toEqual([2, 1, 1, 4]);
    expect([...moments]).toEqual([1, 1, 1, 3]);
    expect(invertMoments(Float64Array.of(1, 1, 1, 1), 2, 0.01)).toBeDefined();
    expect(invertMoments(Float64Array.of(0, 0, 0, 0), 2, 0.01)).toEqual(Float64Array.of(1, 0, 0, 1));
  });

  it("lessens with what there is to learn from", () => {
    expect(lesseningRidge(1e-3, 100, 50)).toBe(1e-3);
    expect(lesseningRidge(1e-3, 100, 1000)).toBeCloseTo(1e-4, 12);
    expect(lesseningRidge(1e-3, 10, 1e9)).toBe(1e-7);
  });
});
