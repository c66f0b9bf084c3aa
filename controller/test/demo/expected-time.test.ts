import { describe, expect, it } from "vitest";
import {
  type DemoScale,
  expectedSeconds,
  limitSeconds,
  methodWindows,
  overheadSeconds,
} from "../../src/demo/expected-time.ts";

function study(quick: boolean): DemoScale {
  return { quick, models: 6, precisions: 2, ...methodWindows(quick), accuracyImages: quick ? 2000 : 10_000 };
}

describe("the demo's time", () => {
  it("is under five minutes for the quick study and under 45 for the full one", () => {
    expect(expectedSeconds(study(true))).toBeLessThan(5 * 60);
    expect(expectedSeconds(study(false))).toBeLessThan(45 * 60);
    expect(limitSeconds(study(true))).toBe(5 * 60);
    expect(limitSeconds(study(false))).toBe(45 * 60);
  });

  it("leaves the full study windows beyond the method's five", () => {
    const scale = study(false);
    expect(limitSeconds(scale) - overheadSeconds(scale)).toBeGreaterThan(12 * 5 * 35);
  });

  it("is not limited below what was asked for", () => {
    const long = { ...study(false), windows: 20, windowS: 60 };
    expect(limitSeconds(long)).toBe(expectedSeconds(long));
  });
});
