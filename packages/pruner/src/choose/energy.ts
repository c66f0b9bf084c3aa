import type { WeightView } from "../channels/weight-view.ts";
import { dot } from "../linear-algebra/cholesky.ts";

/** More columns than these tell little more, and take long. */
const COLUMNS = 8192;

/** The next step that meets all taps in turn: one that shares a factor with their number would see some places of a kernel only. */
function stepThroughTaps(least: number, taps: number): number {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
  let step = least;
  while (divisor(step, taps) > 1) step++;
  return step;
}

/**
 * W Wᵀ of a layer's weights as one row per channel that it reads, [blocks][blocks].
 * @param scales what each output is multiplied by behind the layer
 */
export function weightEnergy(weights: Float32Array, view: WeightView, scales: Float64Array | undefined): Float64Array {
  const { blocks, taps, outputs } = view;
  const step = stepThroughTaps(Math.max(1, Math.floor((taps * outputs) / COLUMNS)), taps);
  const columns = Math.ceil((taps * outputs) / step);
  const rows = new Float64Array(blocks * columns);
  for (let column = 0; column < columns; column++) {
    const output = Math.floor((column * step) / taps);
    const tap = (column * step) % taps;
    const scale = scales?.[output] ?? 1;
    for (let block = 0; block < blocks; block++)
      rows[block * columns + column] = scale * (weights[view.at(output, block, tap)] as number);
  }
  const energy = new Float64Array(blocks * blocks);
  for (let a = 0; a < blocks; a++) {
    for (let b = 0; b <= a; b++) {
      const product = dot(rows, a * columns, b * columns, columns);
      energy[a * blocks + b] = product;
      energy[b * blocks + a] = product;
    }
  }
  return energy;
}
