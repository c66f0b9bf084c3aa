import { describe, expect, it } from "vitest";
import { describeDuration, formatDuration, parseDuration } from "../src/duration.ts";

describe("durations", () => {
  it.each([
    ["7d", 604_800, "7d"],
    ["36h", 129_600, "36h"],
    ["1h30m", 5_400, "90m"],
    ["2160h0m0s", 7_776_000, "90d"],
    ["2w", 1_209_600, "14d"],
    ["0s", 0, "0s"],
    ["forever", 0, "0s"],
  ])("%s are %i seconds", (written, seconds, canonical) => {
    expect(parseDuration(written)).toBe(seconds);
    expect(formatDuration(seconds)).toBe(canonical);
  });

  it("says what is wrong", () => {
    for (const wrong of ["", "7", "7 days", "-1d", "d", "1.5h"]) {
      expect(() => parseDuration(wrong)).toThrow(/is no duration: write 7d/);
    }
    expect(describeDuration(0)).toBe("forever");
  });
});
