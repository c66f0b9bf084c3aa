import { factorize, invert } from "./cholesky.ts";

const LEAST_RIDGE = 1e-7;

/** G⁻¹ of second moments with a ridge on their diagonal; undefined where they are not finite. */
export function invertMoments(moments: Float64Array, size: number, ridge: number): Float64Array | undefined {
  const matrix = withRidge(moments, size, ridge);
  return factorize(matrix, size) ? invert(matrix, size) : undefined;
}

/** A copy of the matrix with `ridge` times the mean of its diagonal added there. */
export function withRidge(moments: Float64Array, size: number, ridge: number): Float64Array {
  const matrix = moments.slice();
  let sum = 0;
  for (let row = 0; row < size; row++) sum += moments[row * size + row] as number;
  // Inputs that are never anything but zero have to be solvable too.
  const added = sum > 0 ? (ridge * sum) / size : 1;
  for (let row = 0; row < size; row++) matrix[row * size + row] = (matrix[row * size + row] as number) + added;
  return matrix;
}

/**
 * A ridge that lessens as there is more to learn from: `most` where there are no more columns than unknowns, in proportion less where there are
 * more, down to what float32 still tells apart.
 */
export function lesseningRidge(most: number, unknowns: number, columns: number): number {
  return Math.max(LEAST_RIDGE, most * Math.min(1, unknowns / columns));
}
