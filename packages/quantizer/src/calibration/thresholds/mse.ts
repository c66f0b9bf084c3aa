import type { IntegerRange, Range } from "../../int8/arithmetic.ts";
import { coarsen, rangeOf, type Histogram } from "../histogram.ts";
import { squaredError } from "../quantization-error.ts";

/** Bins of the first, coarse search. */
const COARSE_BINS = 512;

/** Shares of an end that are tried first: evenly, and ever smaller ones for a few values far out. */
const COARSE_SHARES = [
  ...Array.from({ length: 16 }, (_, index) => (16 - index) / 16),
  ...Array.from({ length: 6 }, (_, index) => 2 ** -(index + 5)),
];

/** How many of the best coarse pairs are searched on, as the error has several valleys. */
const STARTS = 4;

/** Neighbours of a pair of ends, in steps. */
const DIRECTIONS = [-1, 0, 1].flatMap((low) => [-1, 0, 1].map((high) => ({ low, high })));

interface Candidate {
  readonly range: Range;
  readonly error: number;
}

/**
 * The range with the smallest mean squared error of rounding and clipping together, both ends searched: a coarse grid first, then from its
 * best pairs on in ever smaller steps down to a bin.
 */
export function mseRange(histogram: Histogram, integers: IntegerRange): Range {
  const { min, max } = rangeOf(histogram);
  const coarse = coarsen(histogram, COARSE_BINS);
  const errorIn = (bins: Histogram, range: Range): Candidate => ({ range, error: squaredError(bins, range, integers) });
  const grid = sharesOf(min)
    .flatMap((low) => sharesOf(max).map((high) => errorIn(coarse, { min: low * min, max: high * max })))
    .sort((a, b) => a.error - b.error);
  const found = grid.slice(0, STARTS).map(({ range }) => {
    const near = descend(range, { min, max }, 1 / 32, 1 / COARSE_BINS, (next) => errorIn(coarse, next));
    return descend(near, { min, max }, 2 / COARSE_BINS, 1 / histogram.counts.length, (next) =>
      errorIn(histogram, next),
    );
  });
  // What is widest first, as it wins where another is no better.
  const candidates = [{ min, max }, ...found].map((range) => errorIn(histogram, range));
  return candidates.reduce((best, next) => (next.error < best.error ? next : best)).range;
}

function sharesOf(end: number): readonly number[] {
  return end === 0 ? [1] : COARSE_SHARES;
}

/** Moves to the best neighbour as long as there is a better one, then halves the step; steps are shares of the widest range's ends. */
function descend(
  start: Range,
  widest: Range,
  firstStep: number,
  lastStep: number,
  evaluate: (range: Range) => Candidate,
): Range {
  let best = evaluate(start);
  for (let step = firstStep; step >= lastStep; step /= 2) {
    for (;;) {
      const before = best;
      for (const { low, high } of DIRECTIONS) {
        const next = {
          min: Math.min(0, Math.max(widest.min, before.range.min + low * step * widest.min)),
          max: Math.max(0, Math.min(widest.max, before.range.max + high * step * widest.max)),
        };
        if (next.min === before.range.min && next.max === before.range.max) continue;
        const candidate = evaluate(next);
        if (candidate.error < best.error) best = candidate;
      }
      if (best === before) break;
    }
  }
  return best.range;
}
