import type { Moments } from "../activations/channel-moments.ts";
import type { WeightView } from "../channels/weight-view.ts";
import { factorize, solve } from "../linear-algebra/cholesky.ts";
import { lesseningRidge, withRidge } from "../linear-algebra/ridge.ts";

/** Of the mean variance, at most: low, so that channels that are redundant are made up for completely. */
const RIDGE = 1e-5;

/**
 * Lets the channels that stay do the work of those that go, as far as they are linear in them: with x_D ≈ A x_K, A from the covariance of the
 * original's inputs, W_K + Aᵀ W_D computes what W did. That is what the optimal brain surgeon's updates come to in the end.
 * @param gone tells which blocks of the view go
 * @returns all weights, those of blocks that go as they were
 */
export function compensate(
  weights: Float32Array,
  view: WeightView,
  moments: Moments,
  gone: (block: number) => boolean,
): Float32Array {
  const blocks = Array.from({ length: view.blocks }, (_, block) => block);
  const kept = blocks.filter((block) => !gone(block));
  const dropped = blocks.filter((block) => gone(block));
  const result = weights.slice();
  if (kept.length === 0 || dropped.length === 0) return result;
  const pick = (rows: readonly number[], columns: readonly number[]): Float64Array =>
    Float64Array.from({ length: rows.length * columns.length }, (_, index) => {
      const [row, column] = [
        rows[Math.floor(index / columns.length)] as number,
        columns[index % columns.length] as number,
      ];
      return moments.covariance[row * view.blocks + column] as number;
    });
  const factor = withRidge(pick(kept, kept), kept.length, lesseningRidge(RIDGE, view.blocks, moments.columns));
  const shares = pick(kept, dropped);
  if (!factorize(factor, kept.length)) return result;
  solve(factor, kept.length, shares, dropped.length);
  for (let output = 0; output < view.outputs; output++) {
    for (let tap = 0; tap < view.taps; tap++) {
      const lost = Float64Array.from(dropped, (block) => weights[view.at(output, block, tap)] as number);
      for (const [row, block] of kept.entries()) {
        let sum = 0;
        for (let index = 0; index < lost.length; index++)
          sum += (shares[row * lost.length + index] as number) * (lost[index] as number);
        const at = view.at(output, block, tap);
        result[at] = (result[at] as number) + sum;
      }
    }
  }
  return result;
}
