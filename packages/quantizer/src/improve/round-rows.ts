/** Sweeps over a row, which ends sooner when none of its weights turns any more. */
const MOST_SWEEPS = 20;
/** A weight this close to an integer is one: the largest of each scale must stay, as the scale is read from it. */
const INTEGER_TOLERANCE = 1e-4;

/** One row w of a layer's weights, in units of its scale, and the integers that stand for it. */
export interface RoundedRow {
  /** w / scale. */
  readonly exact: Float64Array;
  /** Integers to begin with, each one of the two around its exact value; changed in place. */
  readonly rounded: Float64Array;
}

/**
 * Turns single weights from the lower to the upper integer or back, as long as that lowers the error of the output over the data
 * that the moments were measured on: (ŵ - w)ᵀ H (ŵ - w) with H = E[x xᵀ], the layer-wise objective of AdaRound (Nagel et al., Up or Down? Adaptive Rounding for
 * Post-Training Quantization, ICML 2020, equation 13), minimized by coordinate descent over the two neighbours of each weight instead of
 * by gradients, as its curvature is known (as in GPTQ, Frantar et al., ICLR 2023). It never ends above where it began.
 * @param moments H of the row's group, [size][size], symmetric
 * @returns the error before and after, in units of scale squared
 */
export function improveRounding(
  { exact, rounded }: RoundedRow,
  moments: Float64Array,
): { before: number; after: number } {
  const size = exact.length;
  const gradient = new Float64Array(size);
  for (let row = 0; row < size; row++) {
    const deviation = (rounded[row] as number) - (exact[row] as number);
    if (deviation !== 0) addScaled(gradient, moments, row * size, deviation);
  }
  const before = errorOf(exact, rounded, gradient);
  for (let sweep = 0; sweep < MOST_SWEEPS; sweep++) {
    let turned = false;
    for (let index = 0; index < size; index++) {
      const value = exact[index] as number;
      if (Math.abs(value - Math.round(value)) < INTEGER_TOLERANCE) continue;
      const step = rounded[index] === Math.floor(value) ? 1 : -1;
      const change = step * (2 * (gradient[index] as number) + step * (moments[index * size + index] as number));
      // A change within the rounding errors of the gradient could turn a weight to and fro.
      if (change >= -1e-12 * before) continue;
      rounded[index] = (rounded[index] as number) + step;
      addScaled(gradient, moments, index * size, step);
      turned = true;
    }
    if (!turned) break;
  }
  return { before, after: errorOf(exact, rounded, gradient) };
}

function addScaled(target: Float64Array, source: Float64Array, start: number, factor: number): void {
  for (let index = 0; index < target.length; index++)
    target[index] = (target[index] as number) + factor * (source[start + index] as number);
}

function errorOf(exact: Float64Array, rounded: Float64Array, gradient: Float64Array): number {
  let error = 0;
  for (let index = 0; index < exact.length; index++)
    error += ((rounded[index] as number) - (exact[index] as number)) * (gradient[index] as number);
  return error;
}
