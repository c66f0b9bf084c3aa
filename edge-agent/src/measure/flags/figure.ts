/** Two significant digits: a flag's figures show how far off something is, and no more. */
export function rounded(value: number): string {
  return String(Number(value.toPrecision(2)));
}

export function percent(share: number): string {
  return `${rounded(100 * share)} %`;
}

/** A share that passed a limit, with as many digits as tell the two apart: 1.03 % where the limit is 1 %. */
export function percentPast(limit: number, share: number): string {
  for (let digits = 2; digits <= 15; digits++) {
    const text = `${Number((100 * share).toPrecision(digits))} %`;
    if (text !== percent(limit)) return text;
  }
  return percent(share);
}

/** The largest of the values that are known; `undefined` when none is. */
export function largest(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}
