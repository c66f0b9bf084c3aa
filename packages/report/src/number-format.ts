const MAX_DECIMALS = 4;

function decimalsFor(magnitude: number, significant: number): number {
  if (magnitude === 0) return 0;
  const leading = Math.floor(Math.log10(Math.abs(magnitude)));
  return Math.min(MAX_DECIMALS, Math.max(0, significant - 1 - leading));
}

/** Without the sign of what is zero to all digits that are shown. */
function toFixed(value: number, decimals: number): string {
  const text = value.toFixed(decimals);
  return Number(text) === 0 ? text.replace("-", "") : text;
}

/** A figure with four significant digits, at most four decimals. */
export function formatFigure(value: number): string {
  return toFixed(value, decimalsFor(value, 4));
}

/** `value ± half-width`, both cut where the half-width's second digit is: digits beyond that are noise. */
export function formatWithHalfWidth(value: number, halfWidth: number | null): string {
  if (halfWidth === null) return formatFigure(value);
  const decimals = halfWidth === 0 ? decimalsFor(value, 4) : decimalsFor(halfWidth, 2);
  return `${toFixed(value, decimals)} ± ${toFixed(halfWidth, decimals)}`;
}

export function formatCount(value: number): string {
  return value.toLocaleString("en-US");
}
