import { describe, expect, it } from "vitest";
import { expectation } from "../../src/study/expected-time.ts";
import { planStudy } from "../../src/study/plan.ts";

const usual = { fractions: [0, 0.05, 0.1, 0.2, 0.3, 0.4], align: ["16"], precisions: ["fp32", "int8"] } as const;

describe("the plan of a study", () => {
  it("prunes by each fraction but 0, which is the model itself", () => {
    expect(planStudy(usual)).toEqual({
      unpruned: true,
      variants: [0.05, 0.1, 0.2, 0.3, 0.4].map((fraction) => ({ fraction, align: 16 })),
      precisions: ["fp32", "int8"],
    });
  });

  it("prunes by each fraction in each alignment, the widest blocks first, and nothing twice", () => {
    const plan = planStudy({ fractions: [0.3, 0, 0.1, 0.3], align: ["1", "16", "1"], precisions: ["int8", "int8"] });
    expect(plan).toEqual({
      unpruned: true,
      variants: [
        { fraction: 0.1, align: 16 },
        { fraction: 0.1, align: 1 },
        { fraction: 0.3, align: 16 },
        { fraction: 0.3, align: 1 },
      ],
      precisions: ["int8"],
    });
    expect(planStudy({ ...usual, fractions: [0.2] })).toMatchObject({ unpruned: false, variants: [{ fraction: 0.2 }] });
    expect(planStudy({ ...usual, fractions: [0] })).toMatchObject({ unpruned: true, variants: [] });
  });

  it("is refused where one job cannot measure all its rows", () => {
    const fractions = Array.from({ length: 11 }, (_, index) => index / 100);
    expect(planStudy({ ...usual, fractions, align: ["16", "8", "1"] }).variants).toHaveLength(30);
    expect(() => planStudy({ ...usual, fractions: [...fractions, 0.5], align: ["16", "8", "1"] })).toThrow(
      /make 68 rows, and one job measures up to 64: name fewer/,
    );
  });
});

describe("what is said before a study", () => {
  it("names what is pruned and measured, and how long that takes", () => {
    expect(expectation(planStudy(usual), { images: 1000, quick: true, accuracyImages: 2000 }, 1)).toBe(
      "Pruning 5 models takes about 4 minutes, unless the device has pruned them before; measuring 12 rows (6 models, fp32 and int8) about 5 minutes. Ctrl-C ends it and cancels what was started.",
    );
  });

  it("says that the full method may take longer, and how long on several devices", () => {
    const plan = planStudy({ ...usual, fractions: [0], precisions: ["fp32"] });
    const text = expectation(plan, { images: 1000, budget: 30, accuracyImages: 0 }, 2);
    expect(text).toMatch(
      /^Measuring 1 row \(1 model, fp32\) on each of 2 devices about \d+ minutes, longer where figures spread \(at most 30 minutes\)\./,
    );
  });
});
