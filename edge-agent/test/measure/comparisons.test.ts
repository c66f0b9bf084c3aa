import { resultsSchema, type ResultRow } from "@edgewatt/protocol";
import { describe, expect, it } from "vitest";
import { compareRows, type RowWindows } from "../../src/measure/comparisons.ts";
import { makePlan } from "../../src/measure/plan.ts";
import { makeRow } from "../../src/measure/row.ts";
import type { MeasuredWindow } from "../../src/measure/window-figures.ts";
import { measuredWindow, rowFacts } from "./measured-window.ts";

const plan = makePlan({
  options: { quick: false, spinning: false, strict: false },
  entries: 4,
  cores: 4,
  availableMemoryMb: 4000,
  seed: 7,
});

const SHA = "a".repeat(64);

/** The same with a lineage: pruned from `origin` in multiples of `align`. */
function pruned(measured: RowWindows, { align, params }: { align: 16 | 1; params: number }, origin = "m"): RowWindows {
  const step = {
    op: "prune",
    from: { name: origin, sha256: SHA },
    fraction: measured.row.pruning ?? 0,
    align,
    by: "error",
    allocate: "uniform",
    calibration: { kind: "synthetic", images: 1000, sha256: null },
    version: 1,
    created: "2026-11-26T08:00:00.000Z",
    device: null,
  } as const;
  return { ...measured, row: { ...measured.row, params, lineage: [step] } };
}

/** Block `b` makes everything 1 % dearer than the one before. */
function entry(
  [model, pruning, precision]: [string, number, "fp32" | "int8"],
  meanW: number,
  drop: readonly number[] = [],
  ms = 5,
): RowWindows {
  const windows: MeasuredWindow[] = [];
  for (let block = 0; block < 5; block++) {
    const power = drop.includes(block) ? { power: undefined } : {};
    windows.push({ ...measuredWindow(1000, ms, meanW * 1.01 ** block, 2), block, ...power });
  }
  const row: ResultRow = makeRow(
    rowFacts({ run: `J/${model}-${precision}`, model, pruning, precision }),
    windows,
    plan,
  );
  return { row, windows };
}

describe("compareRows", () => {
  const comparisons = compareRows(
    [
      entry(["m-p00", 0, "fp32"], 5),
      entry(["m-p00", 0, "int8"], 4),
      entry(["m-p40", 0.4, "fp32"], 3.5, [1]),
      entry(["m-p40", 0.4, "int8"], 3),
    ],
    7,
  );
  const find = (numerator: string, denominator: string) =>
    comparisons.find(
      (one) =>
        `${one.numerator.model} ${one.numerator.precision}` === numerator &&
        `${one.denominator.model} ${one.denominator.precision}` === denominator,
    );

  it("has int8 over fp32 of each model, and each pruned over the unpruned one in its precision", () => {
    expect(comparisons.map(({ numerator: n, denominator: d }) => `${n.run} / ${d.run}`)).toEqual([
      "J/m-p00-int8 / J/m-p00-fp32",
      "J/m-p40-int8 / J/m-p40-fp32",
      "J/m-p40-fp32 / J/m-p00-fp32",
      "J/m-p40-int8 / J/m-p00-int8",
    ]);
    expect(resultsSchema.shape.comparisons.parse(comparisons)).toEqual(comparisons);
  });

  it("is exact where blocks raise both alike", () => {
    const ratio = find("m-p00 int8", "m-p00 fp32");
    expect(ratio?.energyGross?.value).toBeCloseTo(0.8, 9);
    expect(ratio?.energyGross?.low95).toBeCloseTo(0.8, 9);
    expect(ratio?.energyNet?.value).toBeLessThan(0.8);
    expect(ratio?.latency?.value).toBeCloseTo(1, 9);
  });

  it("leaves a block out of the energies when one of the two has no power in it", () => {
    const ratio = find("m-p40 fp32", "m-p00 fp32");
    expect(ratio?.pairs).toBe(5);
    expect(ratio?.energyGross?.value).toBeCloseTo(0.7, 9);
  });

  it("has no ratio of net energies that cannot be told from zero", () => {
    const faint = entry(["m", 0, "int8"], 1.99);
    expect(faint.row.flags.join()).toContain("net-unresolved");
    const [ratio] = compareRows([entry(["m", 0, "fp32"], 5), faint], 7);
    expect(ratio?.energyNet).toBeNull();
    expect(ratio?.energyGross?.value).toBeCloseTo(0.398, 3);
  });

  it("says nothing where two models could be the unpruned one", () => {
    const rows = [entry(["a", 0, "fp32"], 5), entry(["b", 0, "fp32"], 4), entry(["c", 0.1, "fp32"], 3)];
    expect(compareRows(rows, 7)).toEqual([]);
  });

  const names = (rows: readonly RowWindows[]) =>
    compareRows(rows, 7).map(({ numerator: n, denominator: d }) => `${n.model} / ${d.model}`);

  it("has the same fraction in other multiples, the smaller over the larger ones", () => {
    const rows = [
      entry(["m", 0, "fp32"], 5),
      pruned(entry(["m-30-a16", 0.3, "fp32"], 5), { align: 16, params: 700 }),
      pruned(entry(["m-30-a1", 0.3, "fp32"], 5, [], 9), { align: 1, params: 690 }),
    ];
    expect(names(rows)).toEqual(["m-30-a16 / m", "m-30-a1 / m", "m-30-a1 / m-30-a16"]);
    const [, , aligned] = compareRows(rows, 7);
    expect(aligned?.latency?.value).toBeCloseTo(1.8, 9);
  });

  it("has a pruned model over the next larger one only where it is slower than that", () => {
    const rows = (slow: number) => [
      entry(["m", 0, "fp32"], 5, [], 12),
      pruned(entry(["m-10", 0.1, "fp32"], 5, [], 8), { align: 16, params: 900 }),
      pruned(entry(["m-20", 0.2, "fp32"], 5, [], slow), { align: 16, params: 800 }),
    ];
    expect(names(rows(7))).toEqual(["m-10 / m", "m-20 / m"]);
    expect(names(rows(9))).toEqual(["m-10 / m", "m-20 / m", "m-20 / m-10"]);
  });

  it("compares models of two families with their own unpruned ones alone", () => {
    const rows = [
      entry(["m", 0, "fp32"], 5),
      entry(["n", 0, "fp32"], 5),
      pruned(entry(["m-20", 0.2, "fp32"], 5), { align: 16, params: 800 }),
      pruned(entry(["n-20", 0.2, "fp32"], 5, [], 9), { align: 1, params: 700 }, "n"),
    ];
    expect(names(rows)).toEqual(["m-20 / m", "n-20 / n"]);
  });

  it("compares what a model that was pruned itself was pruned to with that model, where the first one is not there", () => {
    const base = pruned(entry(["m-30", 0.3, "fp32"], 5, [], 6), { align: 16, params: 800 });
    const again = pruned(entry(["m-30-20", 0.44, "fp32"], 5, [], 9), { align: 16, params: 500 });
    const [first] = base.row.lineage ?? [];
    const [second] = again.row.lineage ?? [];
    if (first === undefined || second === undefined) throw new RangeError("both have a lineage");
    const lineage = [first, { ...second, from: { name: "m-30", sha256: SHA } }];
    const rows = [base, { ...again, row: { ...again.row, lineage } }];
    expect(names(rows)).toEqual(["m-30-20 / m-30"]);
    expect(names([entry(["m", 0, "fp32"], 5), ...rows])).toEqual(["m-30 / m", "m-30-20 / m", "m-30-20 / m-30"]);
  });
});
