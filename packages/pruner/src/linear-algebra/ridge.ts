import { factorize, invert } from "./cholesky.ts";

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
