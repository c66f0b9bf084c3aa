/**
 * Factorizes a symmetric positive definite matrix, A = L Lᵀ, in place and in float64.
 * @param matrix row by row; its lower triangle is read and then holds L, its upper one is left as it is
 * @returns false where it is not positive definite, and then the matrix is of no use any more
 */
export function factorize(matrix: Float64Array, size: number): boolean {
  for (let row = 0; row < size; row++) {
    const start = row * size;
    for (let column = 0; column <= row; column++) {
      const rest = (matrix[start + column] as number) - dot(matrix, start, column * size, column);
      if (column < row) matrix[start + column] = rest / (matrix[column * size + column] as number);
      else if (rest > 0) matrix[start + row] = Math.sqrt(rest);
      else return false;
    }
  }
  return true;
}

/** Solves L Lᵀ X = B in place of B, which is [size][columns] row by row, for the L of `factorize`. */
export function solve(factor: Float64Array, size: number, right: Float64Array, columns: number): void {
  for (let row = 0; row < size; row++) {
    for (let above = 0; above < row; above++)
      subtractRow(right, row * columns, above * columns, factor[row * size + above] as number, columns);
    scaleRow(right, row * columns, 1 / (factor[row * size + row] as number), columns);
  }
  for (let row = size - 1; row >= 0; row--) {
    scaleRow(right, row * columns, 1 / (factor[row * size + row] as number), columns);
    for (let above = 0; above < row; above++)
      subtractRow(right, above * columns, row * columns, factor[row * size + above] as number, columns);
  }
}

/** The inverse of the matrix whose factor `factorize` gave: a third of the work of solving for the identity, as both triangles of it are used. */
export function invert(factor: Float64Array, size: number): Float64Array {
  const inverse = new Float64Array(size * size);
  for (let row = 0; row < size; row++) {
    const start = row * size;
    inverse[start + row] = 1;
    for (let above = 0; above < row; above++)
      subtractRow(inverse, start, above * size, factor[start + above] as number, above + 1);
    scaleRow(inverse, start, 1 / (factor[start + row] as number), row + 1);
  }
  for (let row = size - 1; row >= 0; row--) {
    const start = row * size;
    scaleRow(inverse, start, 1 / (factor[start + row] as number), row + 1);
    for (let above = 0; above < row; above++)
      subtractRow(inverse, above * size, start, factor[start + above] as number, above + 1);
  }
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < row; column++) inverse[column * size + row] = inverse[row * size + column] as number;
  }
  return inverse;
}

/** Σ of products of `length` values from two places of a matrix on. */
export function dot(matrix: Float64Array, first: number, second: number, length: number): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  let index = 0;
  // Four sums, as one would make each addition wait for the one before.
  for (; index + 3 < length; index += 4) {
    a += (matrix[first + index] as number) * (matrix[second + index] as number);
    b += (matrix[first + index + 1] as number) * (matrix[second + index + 1] as number);
    c += (matrix[first + index + 2] as number) * (matrix[second + index + 2] as number);
    d += (matrix[first + index + 3] as number) * (matrix[second + index + 3] as number);
  }
  for (; index < length; index++) a += (matrix[first + index] as number) * (matrix[second + index] as number);
  return a + b + (c + d);
}

function subtractRow(values: Float64Array, target: number, source: number, factor: number, columns: number): void {
  if (factor === 0) return;
  for (let column = 0; column < columns; column++)
    values[target + column] = (values[target + column] as number) - factor * (values[source + column] as number);
}

function scaleRow(values: Float64Array, start: number, factor: number, columns: number): void {
  for (let column = start; column < start + columns; column++) values[column] = (values[column] as number) * factor;
}
