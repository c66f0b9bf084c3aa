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

/** Block `b` makes everything 1 % dearer than the one before. */
function entry(
  [model, pruning, precision]: [string, number, "fp32" | "int8"],
  meanW: number,
  drop: readonly number[] = [],
): RowWindows {
  const windows: MeasuredWindow[] = [];
  for (let block = 0; block < 5; block++) {
    const power = drop.includes(block) ? { power: undefined } : {};
    windows.push({ ...measuredWindow(1000, 5, meanW * 1.01 ** block, 2), block, ...power });
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
});
