import { Matrix, solve as solveExactly } from "ml-matrix";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { describe, expect, it } from "vitest";
import { rankByError, type SurgeonLayer } from "../../src/choose/surgeon.ts";
import { invertMoments } from "../../src/linear-algebra/ridge.ts";

const SAMPLES = 60;
const INPUTS = 7;
const OUTPUTS = 4;

function randomMatrix(rows: number, columns: number, seed: number): Matrix {
  const generator = xoroshiro128plus(seed);
  return new Matrix(
    Array.from({ length: rows }, () => Array.from({ length: columns }, () => uniformFloat64(generator) * 2 - 1)),
  );
}

function layerOf(x: Matrix, w: Matrix, inputsOf: SurgeonLayer["inputsOf"]): SurgeonLayer {
  const moments = Float64Array.from(x.transpose().mmul(x).to1DArray());
  return {
    size: x.columns,
    inverse: invertMoments(moments, x.columns, 0) as Float64Array,
    energy: Float64Array.from(w.mmul(w.transpose()).to1DArray()),
    inputsOf,
    variance: w.transpose().mmul(x.transpose()).mmul(x).mmul(w).trace(),
  };
}

function chooseByError(layers: readonly SurgeonLayer[], members: number, removed: number): number[] {
  return [...rankByError(layers, members, removed).order].sort((a, b) => a - b);
}

/** The square error that is left when only some inputs may be used and their weights are fitted anew. */
function lossWithout(x: Matrix, w: Matrix, gone: readonly number[]): number {
  const kept = Array.from({ length: x.columns }, (_, input) => input).filter((input) => !gone.includes(input));
  const some = x.subMatrixColumn(kept);
  const wanted = x.mmul(w);
  const left = wanted.sub(some.mmul(solveExactly(some, wanted, true)));
  return left.to1DArray().reduce((sum, value) => sum + value * value, 0);
}

/** All inputs one by one, each step the best, by fitting anew for each of them. */
function greedy(
  problems: readonly (readonly [Matrix, Matrix])[],
  members: readonly (readonly number[])[],
  count: number,
): number[] {
  const gone: number[] = [];
  while (gone.length < count) {
    const losses = members.map((_, member) =>
      gone.includes(member)
        ? Infinity
        : problems.reduce(
            (sum, [x, w]) =>
              sum +
              lossWithout(
                x.clone(),
                w,
                [...gone, member].flatMap((index) => members[index] as number[]),
              ),
            0,
          ),
    );
    gone.push(losses.indexOf(Math.min(...losses)));
  }
  return gone.sort((a, b) => a - b);
}

describe("the optimal brain surgeon on channels", () => {
  const single = Array.from({ length: INPUTS }, (_, input) => [input]);

  it.each([1, 2, 3, 4, 5])("takes the channels that fitting anew for each of them takes (seed %i)", (seed) => {
    const [x, w] = [randomMatrix(SAMPLES, INPUTS, seed), randomMatrix(INPUTS, OUTPUTS, 50 + seed)];
    for (const count of [1, 3, 5])
      expect(chooseByError([layerOf(x, w, single)], INPUTS, count)).toEqual(greedy([[x, w]], single, count));
  });

  it.each([6, 7, 8])("weighs the losses of all layers that read them (seed %i)", (seed) => {
    const problems = [0, 1].map(
      (layer) =>
        [
          randomMatrix(SAMPLES, INPUTS, seed + 100 * layer),
          randomMatrix(INPUTS, OUTPUTS, seed + 1000 * (layer + 1)),
        ] as const,
    );
    const layers = problems.map(([x, w]) => layerOf(x, w, single));
    expect(chooseByError(layers, INPUTS, 3)).toEqual(greedy(problems, single, 3));
  });

  it.each([9, 10, 11])("takes several inputs of a channel out together (seed %i)", (seed) => {
    const [x, w] = [randomMatrix(SAMPLES, INPUTS, seed), randomMatrix(INPUTS, OUTPUTS, 50 + seed)];
    const members = [[0, 3], [1], [2, 4, 5], [6]];
    expect(chooseByError([layerOf(x, w, members)], members.length, 2)).toEqual(greedy([[x, w]], members, 2));
  });

  it.each([14, 15])("says what is lost on the way, relative to what the layers put out (seed %i)", (seed) => {
    const [x, w] = [randomMatrix(SAMPLES, INPUTS, seed), randomMatrix(INPUTS, OUTPUTS, 50 + seed)];
    const { order, losses } = rankByError([layerOf(x, w, single)], INPUTS, 4);
    const output = x.mmul(w).to1DArray();
    const variance = output.reduce((sum, value) => sum + value * value, 0);
    expect(losses).toHaveLength(5);
    for (const [count, loss] of losses.entries())
      expect(loss).toBeCloseTo(count === 0 ? 0 : lossWithout(x, w, order.slice(0, count)) / variance, 9);
  });

  it("says what is lost in an order that is given", () => {
    const [x, w] = [randomMatrix(SAMPLES, INPUTS, 16), randomMatrix(INPUTS, OUTPUTS, 66)];
    const { order, losses } = rankByError([layerOf(x, w, single)], INPUTS, 2, [4, 1]);
    expect(order).toEqual([4, 1]);
    const output = x.mmul(w).to1DArray();
    const variance = output.reduce((sum, value) => sum + value * value, 0);
    expect(losses.at(-1)).toBeCloseTo(lossWithout(x, w, [1, 4]) / variance, 9);
  });

  it("takes one of two equal channels first", () => {
    const x = randomMatrix(SAMPLES, INPUTS, 12);
    x.setColumn(5, x.getColumn(2));
    const w = randomMatrix(INPUTS, OUTPUTS, 13);
    const moments = Float64Array.from(x.transpose().mmul(x).to1DArray());
    const layer = {
      ...layerOf(randomMatrix(SAMPLES, INPUTS, 1), w, single),
      inverse: invertMoments(moments, INPUTS, 1e-6) as Float64Array,
    };
    const [gone] = chooseByError([layer], INPUTS, 1);
    expect([2, 5]).toContain(gone);
  });
});
