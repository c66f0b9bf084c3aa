import { getBorderCharacters, table } from "table";

/** Rows of text under their headings, without borders. */
export function columns(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const text = table([[...headings], ...rows.map((row) => [...row])], {
    border: getBorderCharacters("void"),
    columnDefault: { paddingLeft: 0, paddingRight: 2 },
    drawHorizontalLine: () => false,
  });
  return text.replaceAll(/ +$/gm, "").trimEnd();
}

/** A figure with its unit, or a dash where there is none. */
export function figure(value: number | null | undefined, digits: number, unit: string): string {
  return value === null || value === undefined ? "–" : `${value.toFixed(digits)} ${unit}`;
}

export function megabytes(bytes: number): string {
  return figure(bytes / 1e6, 2, "MB");
}
