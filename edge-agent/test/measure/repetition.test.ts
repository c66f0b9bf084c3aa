import { describe, expect, it } from "vitest";
import { precisionFlags } from "../../src/measure/flags/precision.ts";
import { agreementOf } from "../../src/measure/repetition.ts";
import { goodWindow, stretch } from "./measured-window.ts";

describe("agreementOf", () => {
  it("compares energies by Student's t", () => {
    const windows = [3.9, 4, 4.1].map((watts) => goodWindow({ power: stretch(10, watts) }));
    const { quantity, share } = agreementOf(windows);
    expect(quantity).toBe("gross energy");
    // t(2) = 4.303, s = 0.1 W, n = 3, mean 4 W.
    expect(share).toBeCloseTo((4.303 * 0.1) / Math.sqrt(3) / 4, 4);
  });

  it("compares latencies where there is no power, and needs two windows", () => {
    const blind = goodWindow({ power: undefined });
    const slower = { ...blind.run, latenciesMs: new Float64Array(2000).fill(5.5) };
    expect(agreementOf([blind])).toEqual({ quantity: "latency", share: undefined });
    const { quantity, share } = agreementOf([blind, { ...blind, run: slower }]);
    expect(quantity).toBe("latency");
    // t(1) = 12.706 and s / sqrt(2) = half the difference.
    expect(share).toBeCloseTo((12.706 * 0.25) / 5.25, 3);
  });
});

describe("precisionFlags", () => {
  const reached = { quantity: "gross energy", share: 0.0231 } as const;

  it("are silent when nobody asks or the target is met", () => {
    expect(precisionFlags({ target: undefined, reached, windows: 3, planned: 3, endedBy: "plan" })).toEqual([]);
    expect(precisionFlags({ target: 0.03, reached, windows: 3, planned: 3, endedBy: "plan" })).toEqual([]);
  });

  it("say how far it came and what ended it", () => {
    expect(precisionFlags({ target: 0.01, reached, windows: 20, planned: 5, endedBy: "plan" })).toEqual([
      "precision-not-reached: gross energy ± 2.3 % after 20 windows, target ± 1 %",
    ]);
    expect(precisionFlags({ target: 0.01, reached, windows: 6, planned: 5, endedBy: "budget" })).toEqual([
      "precision-not-reached: gross energy ± 2.3 % after 6 windows, when the time budget was used up, target ± 1 %",
    ]);
    expect(precisionFlags({ target: 0.01, reached, windows: 2, planned: 5, endedBy: "budget" })[0]).toBe(
      "few-windows: 2 instead of 5, when the time budget was used up",
    );
    const unknown = { quantity: "latency", share: undefined } as const;
    expect(precisionFlags({ target: 0.01, reached: unknown, windows: 1, planned: 1, endedBy: "plan" })[0]).toMatch(
      /half-width of latency is unknown after 1 window/,
    );
  });
});
