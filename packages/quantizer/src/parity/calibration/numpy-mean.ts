/** Below this many values `numpy.sum` adds one after the other, up to the other in eight strands, and beyond it halves. */
const STRANDS = 8;
const BLOCK = 128;

/** `numpy.nanmean` of float32 values: their pairwise float32 sum, NaN left out, divided in float64. NaN where all are. */
export function nanMean(values: Float32Array): number {
  const count = values.reduce((found, value) => (Number.isNaN(value) ? found : found + 1), 0);
  const known = values.map((value) => (Number.isNaN(value) ? 0 : value));
  return Math.fround(pairwiseSum(known) / count);
}

/** The order in which numpy's `pairwise_sum` adds. */
function pairwiseSum(values: Float32Array): number {
  const count = values.length;
  if (count > BLOCK) {
    const half = Math.floor(count / 2);
    const split = half - (half % STRANDS);
    return Math.fround(pairwiseSum(values.subarray(0, split)) + pairwiseSum(values.subarray(split)));
  }
  if (count < STRANDS) return values.reduce((sum, value) => Math.fround(sum + value), 0);
  const strands = values.slice(0, STRANDS);
  const whole = count - (count % STRANDS);
  for (let index = STRANDS; index < whole; index++)
    strands[index % STRANDS] = (strands[index % STRANDS] as number) + (values[index] as number);
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = strands;
  const add = (left: number, right: number): number => Math.fround(left + right);
  const sum = add(add(add(a, b), add(c, d)), add(add(e, f), add(g, h)));
  return values.subarray(whole).reduce(add, sum);
}
