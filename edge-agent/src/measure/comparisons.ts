import type { Comparison, ResultRow } from "@edgewatt/protocol";
import { pairedRatio, type Pair, type Share } from "./bootstrap.ts";
import { figuresOf, type MeasuredWindow, type WindowFigures } from "./window-figures.ts";

/** A finished row with the windows that it is made of. */
export interface RowWindows {
  readonly row: ResultRow;
  readonly windows: readonly MeasuredWindow[];
}

type Blocks = ReadonlyMap<number, WindowFigures>;

/**
 * Ratios between rows of one job, paired by block: int8 over fp32 of each model, and each pruned model over the unpruned one in the
 * same precision, where the job has exactly one such.
 */
export function compareRows(rows: readonly RowWindows[], seed: number): Comparison[] {
  const blocks = new Map(rows.map(({ row, windows }) => [row, blocksOf(windows)]));
  return pairsOf(rows.map(({ row }) => row)).map(([numerator, denominator]) => {
    const of = blocks.get(numerator) ?? new Map();
    const over = blocks.get(denominator) ?? new Map();
    const paired = (read: (figures: WindowFigures) => Share | null) => pairedRatio(pair(of, over, read), seed);
    return {
      device: numerator.device,
      numerator: nameOf(numerator),
      denominator: nameOf(denominator),
      pairs: pair(of, over, latency).length,
      latency: paired(latency),
      energyGross: paired(gross),
      // A ratio of what cannot be told from zero would look like knowledge.
      energyNet: isNetResolved(numerator) && isNetResolved(denominator) ? paired(net) : null,
    };
  });
}

function pairsOf(rows: readonly ResultRow[]): [ResultRow, ResultRow][] {
  const quantized = rows
    .filter((row) => row.precision === "int8")
    .flatMap((row) =>
      rows.filter((other) => other.model === row.model && other.precision === "fp32").map((o) => [row, o]),
    );
  const pruned = rows.flatMap((row) => {
    const unpruned = rows.filter((other) => other.pruning === 0 && other.precision === row.precision);
    return row.pruning !== null && row.pruning > 0 && unpruned.length === 1
      ? unpruned.map((other) => [row, other])
      : [];
  });
  return [...quantized, ...pruned] as [ResultRow, ResultRow][];
}

function isNetResolved({ energyMj: { net: value, netHalfWidth95 } }: ResultRow): boolean {
  return value !== null && netHalfWidth95 !== null && value > netHalfWidth95;
}

function nameOf({ run, model, precision }: ResultRow): Comparison["numerator"] {
  return { run, model, precision };
}

function blocksOf(windows: readonly MeasuredWindow[]): Blocks {
  return new Map(windows.map((window) => [window.block, figuresOf(window)]));
}

/** Blocks of which both rows know the figure. */
function pair(of: Blocks, over: Blocks, read: (figures: WindowFigures) => Share | null): Pair[] {
  return [...of].flatMap(([block, figures]) => {
    const other = over.get(block);
    const numerator = read(figures);
    const denominator = other === undefined ? null : read(other);
    return numerator === null || denominator === null ? [] : [{ numerator, denominator }];
  });
}

function latency({ latencyMs, images }: WindowFigures): Share {
  return { amount: latencyMs * images, images };
}

function gross({ grossMj, images }: WindowFigures): Share | null {
  return grossMj === null ? null : { amount: grossMj * images, images };
}

function net({ netMj, images }: WindowFigures): Share | null {
  return netMj === null ? null : { amount: netMj * images, images };
}
