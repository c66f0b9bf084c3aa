import { describe, expect, it } from "vitest";
import { pruneProgress } from "../../src/models/prune-progress.ts";
import { quantizeProgress } from "../../src/models/quantize-progress.ts";
import { throttleSteps } from "../../src/models/throttle-steps.ts";

describe("the progress of a quantization", () => {
  it("rises over its steps to the whole", () => {
    const told = [
      { step: "calibrate", done: 0, total: 8 },
      { step: "calibrate", done: 8, total: 8 },
      { step: "improve", done: 0, total: 1 },
      { step: "improve", done: 1, total: 1 },
      { step: "quantize", done: 1, total: 1 },
      { step: "verify", done: 32, total: 64 },
      { step: "verify", done: 64, total: 64 },
    ] as const;
    const shares = told.map((progress) => quantizeProgress(progress, { searching: false })?.share ?? Number.NaN);
    expect(shares).toEqual([0, 0.4, 0.4, 0.75, 0.8, expect.closeTo(0.9), 1]);
    expect(quantizeProgress({ step: "prepare", done: 0, total: 1 }, { searching: false })).toBeUndefined();
  });

  it("stands still while a search tries, whose tries it names", () => {
    const tries = [1, 2, 7].map((total) =>
      quantizeProgress({ step: "improve", done: total - 1, total }, { searching: true }),
    );
    expect(tries).toEqual(
      ["try 1", "try 2", "try 7"].map((note) => ({ type: "progress", step: "improve", share: 0.4, note })),
    );
  });
});

describe("the progress of pruning", () => {
  it("rises over its steps to the whole, under the names that jobs have", () => {
    const told = [
      { step: "measure", done: 0, total: 1000 },
      { step: "measure", done: 1000, total: 1000 },
      { step: "choose", done: 0, total: 14 },
      { step: "choose", done: 14, total: 14 },
      { step: "repair", done: 14, total: 28 },
      { step: "check", done: 0, total: 1 },
      { step: "check", done: 1, total: 1 },
    ] as const;
    const shares = told.map((progress) => pruneProgress(progress)?.share ?? Number.NaN);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect([shares[0], shares.at(-1)]).toEqual([0, 1]);
    expect(new Set(told.map((progress) => pruneProgress(progress)?.step))).toEqual(
      new Set(["calibrate", "choose", "repair", "verify"]),
    );
    expect(pruneProgress({ step: "prepare", done: 0, total: 1 })).toBeUndefined();
  });
});

describe("throttled steps", () => {
  it("lets the first of each step through, and of the others one in 250 ms", () => {
    let nowMs = 0;
    const told: string[] = [];
    const tell = throttleSteps<{ step: string; share: number }>(
      ({ step, share }) => told.push(`${step} ${share}`),
      () => nowMs,
    );
    for (let share = 0; share < 1000; share++) {
      tell({ step: "calibrate", share });
      nowMs += 1;
    }
    tell({ step: "verify", share: 0 });
    tell({ step: "calibrate", share: 1000 });
    tell({ step: "verify", share: 1 });
    expect(told).toEqual(["calibrate 0", "calibrate 250", "calibrate 500", "calibrate 750", "verify 0"]);
  });
});
