/** Two-sided 95 % quantiles of Student's t for 1 to 30 degrees of freedom. */
const T_975 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11,
  2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
] as const;

const Z_975 = 1.959964;

/**
 * The 0.975 quantile of Student's t; beyond the table by two terms of its expansion around the normal quantile (Abramowitz and Stegun,
 * 26.7.5), whose error is below 0.001.
 */
export function studentT975(degreesOfFreedom: number): number {
  const z = Z_975;
  return (
    T_975[degreesOfFreedom - 1] ??
    z + (z ** 3 + z) / (4 * degreesOfFreedom) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degreesOfFreedom ** 2)
  );
}

export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] ?? 0;
  return sum / values.length;
}

/** Standard deviation of a sample (n − 1); `NaN` for fewer than two values. */
export function standardDeviation(values: ArrayLike<number>): number {
  const centre = mean(values);
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += ((values[i] ?? 0) - centre) ** 2;
  return Math.sqrt(squares / (values.length - 1));
}

/**
 * 95 % confidence half-width of the mean: t(n − 1) · s / √n. The values must be independent, so they are means of
 * windows and never samples within one. `null` for fewer than two values.
 */
export function halfWidth95(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  return (studentT975(values.length - 1) * standardDeviation(values)) / Math.sqrt(values.length);
}

/** The median; sorts a copy. `NaN` for none. */
export function median(values: ArrayLike<number>): number {
  return quantile(Float64Array.from(values).sort(), 0.5);
}

/** A quantile of sorted values by linear interpolation between the two nearest. `NaN` for none. */
export function quantile(sorted: Float64Array, p: number): number {
  const position = (sorted.length - 1) * p;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
}

/**
 * Quantiles of a sample; one that too few values support (fewer than 10 / (1 − p), so that ten lie beyond it) is `null`.
 */
export function quantiles(values: Float64Array, ps: readonly number[]): (number | null)[] {
  const sorted = Float64Array.from(values).sort();
  return ps.map((p) => (sorted.length * (1 - p) >= 10 - 1e-9 ? quantile(sorted, p) : null));
}
