import type { Comparison, ResultRow } from "@edgewatt/protocol";
import { pairedRatio, type Pair, type Share } from "./bootstrap.ts";
import { figuresOf, type MeasuredWindow, type WindowFigures } from "./window-figures.ts";

/** A finished row with the windows that it is made of. */
export interface RowWindows {
  readonly row: ResultRow;
  readonly windows: readonly MeasuredWindow[];
}

type Blocks = ReadonlyMap<number, WindowFigures>;

type RowPair = readonly [numerator: ResultRow, denominator: ResultRow];

/**
 * Ratios between rows of one job, paired by block: int8 over fp32 of each model; each pruned model over the unpruned one in the same
 * precision; of two that were pruned by the same fraction the one in smaller multiples over the other; and a pruned model over the next
 * larger one where it is slower than that. Models belong together that were pruned from the same one; without a lineage, those of a job that
 * has exactly one unpruned model. The unpruned model of a row is the first of those that it was made from which is in the job: a study of a
 * model that was pruned before starts from that one.
 */
export function compareRows(rows: readonly RowWindows[], seed: number): Comparison[] {
  const blocks = new Map(rows.map(({ row, windows }) => [row, blocksOf(windows)]));
  const compare = ([numerator, denominator]: RowPair): Comparison => {
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
  };
  const all = rows.map(({ row }) => row);
  const always = [...quantizedPairs(all), ...prunedPairs(all), ...alignedPairs(all)];
  const known = new Set(always.map(([of, over]) => `${of.run} ${over.run}`));
  const next = nextLargerPairs(all).filter(([of, over]) => !known.has(`${of.run} ${over.run}`));
  const slower = next.map(compare).filter(({ latency: ratio }) => ratio !== null && ratio.low95 > 1);
  return [...always.map(compare), ...slower];
}

function quantizedPairs(rows: readonly ResultRow[]): RowPair[] {
  return rows
    .filter((row) => row.precision === "int8")
    .flatMap((row) =>
      rows
        .filter((other) => other.model === row.model && other.precision === "fp32")
        .map((other) => [row, other] as const),
    );
}

function prunedPairs(rows: readonly ResultRow[]): RowPair[] {
  return rows.flatMap((row) => {
    const unpruned = unprunedOf(row, rows);
    return unpruned !== undefined && row !== unpruned && isPruned(row) ? [[row, unpruned] as const] : [];
  });
}

/** The same fraction cut in other multiples of channels. */
function alignedPairs(rows: readonly ResultRow[]): RowPair[] {
  return rows.flatMap((row) =>
    rows
      .filter((other) => areRelated(row, other) && row.pruning === other.pruning && alignOf(row) < alignOf(other))
      .map((other) => [row, other] as const),
  );
}

/** The model with the next more parameters, of those that were pruned from the same one. */
function nextLargerPairs(rows: readonly ResultRow[]): RowPair[] {
  return rows.filter(isPruned).flatMap((row) => {
    if (unprunedOf(row, rows) === undefined) return [];
    const larger = rows
      .filter((other) => areRelated(row, other) && isPruned(other) && sizeOf(other) > sizeOf(row))
      .toSorted((a, b) => sizeOf(a) - sizeOf(b));
    return larger.slice(0, 1).map((other) => [row, other] as const);
  });
}

function unprunedOf(row: ResultRow, rows: readonly ResultRow[]): ResultRow | undefined {
  const alike = rows.filter((other) => other.precision === row.precision);
  const ancestors = ancestorsOf(row);
  const first = ancestors.find((name) => alike.some(({ model }) => model === name));
  const [unpruned, ...others] = alike.filter(({ model, pruning }) =>
    ancestors.length === 0 ? pruning === 0 : model === first,
  );
  return others.length === 0 ? unpruned : undefined;
}

function areRelated(row: ResultRow, other: ResultRow): boolean {
  return row !== other && row.precision === other.precision && originOf(row) === originOf(other);
}

/** The names of the models that a row's was pruned from, one after the other, the first one first. */
function ancestorsOf({ lineage = [] }: ResultRow): string[] {
  return lineage.flatMap(({ op, from }) => (op === "prune" ? [from.name] : []));
}

/** The name of the model that all began with, where its lineage tells. */
function originOf(row: ResultRow): string | undefined {
  return ancestorsOf(row)[0];
}

/** Not known is NaN, which is neither more nor less than anything. */
function alignOf({ lineage }: ResultRow): number {
  const step = lineage?.findLast(({ op }) => op === "prune");
  return step?.op === "prune" ? step.align : Number.NaN;
}

function isPruned({ pruning }: ResultRow): boolean {
  return pruning !== null && pruning > 0;
}

/** Not knowing a size makes no row the smaller one. */
function sizeOf({ params }: ResultRow): number {
  return params ?? Number.NaN;
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
