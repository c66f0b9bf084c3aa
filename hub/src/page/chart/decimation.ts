import { BIN_MS, type PowerHistory } from "./power-history.ts";

/** A stretch of time cut into columns of equal length; in each a line has two points, so that its peaks stay. */
export interface Columns {
  /** Start of the first column, ms since the epoch, a multiple of the step. */
  readonly fromMs: number;
  readonly stepMs: number;
  readonly count: number;
}

/** One line on the columns: two points in each, and the extremes of all readings inside. */
export interface ColumnValues {
  /** `undefined` is bridged by the line, `null` breaks it. */
  readonly line: (number | null | undefined)[];
  /** `NaN` where nothing is. */
  readonly low: Float64Array;
  readonly high: Float64Array;
}

/**
 * Columns for `spanMs` up to `untilMs`, `most` of them or a few less. Their length is a multiple of a bin and they begin at multiples of it, so a
 * column keeps its bins, and the line its shape, while time goes on.
 */
export function columnsFor(untilMs: number, spanMs: number, most: number): Columns {
  const stepMs = Math.max(BIN_MS, Math.ceil(spanMs / Math.max(1, Math.floor(most)) / BIN_MS) * BIN_MS);
  const count = Math.ceil(spanMs / stepMs);
  return { fromMs: (Math.floor(untilMs / stepMs) - count) * stepMs, stepMs, count };
}

/** Times of the two points of each column, s since the epoch. */
export function columnTimes({ fromMs, stepMs, count }: Columns): number[] {
  return Array.from({ length: 2 * count }, (_, index) => (fromMs + (index + 0.5) * (stepMs / 2)) / 1000);
}

/**
 * A history on columns. Of the bins in a column the line has the lowest and the highest mean, in the order in which they came.
 * @param options.offsetMs what to add to the history's times
 * @param options.gapMs a longer silence breaks the line
 * @param into what an earlier call returned for as many columns, to be used again
 */
export function decimate(
  history: PowerHistory,
  { fromMs, stepMs, count }: Columns,
  options: { readonly offsetMs: number; readonly gapMs: number },
  into?: ColumnValues,
): ColumnValues {
  const values = into?.low.length === count ? into : emptyValues(count);
  const { line, low, high } = values;
  line.fill(undefined);
  low.fill(Number.NaN);
  high.fill(Number.NaN);
  const { offsetMs } = options;
  const gapMs = Math.max(options.gapMs, 2 * stepMs);
  let column = -1;
  let lowest = 0;
  let highest = 0;
  let lowestFirst = true;
  let lastMs = Number.NEGATIVE_INFINITY;
  const close = (): void => {
    if (column < 0) return;
    line[2 * column] = lowestFirst ? lowest : highest;
    if (lowest !== highest) line[2 * column + 1] = lowestFirst ? highest : lowest;
  };
  history.visit(fromMs - offsetMs, fromMs + count * stepMs - offsetMs, (timeMs, w, wMin, wMax) => {
    const at = Math.floor((timeMs + offsetMs - fromMs) / stepMs);
    if (at < 0 || at >= count) return;
    if (at === column) {
      if (w < lowest) {
        lowest = w;
        lowestFirst = false;
      } else if (w > highest) {
        highest = w;
        lowestFirst = true;
      }
      if (wMin < (low[at] ?? 0)) low[at] = wMin;
      if (wMax > (high[at] ?? 0)) high[at] = wMax;
    } else {
      close();
      if (column >= 0 && timeMs - lastMs > gapMs) line.fill(null, 2 * column + 2, 2 * at);
      column = at;
      lowest = w;
      highest = w;
      lowestFirst = true;
      low[at] = wMin;
      high[at] = wMax;
    }
    lastMs = timeMs;
  });
  close();
  return values;
}

function emptyValues(count: number): ColumnValues {
  return {
    line: Array.from({ length: 2 * count }, () => undefined),
    low: new Float64Array(count),
    high: new Float64Array(count),
  };
}
