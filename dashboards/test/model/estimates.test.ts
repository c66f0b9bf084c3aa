import { describe, expect, it } from "vitest";
import { ESTIMATED_SERIES, MARK_MODELS } from "../../src/model/estimates.ts";

/** Grafana's `stringToJsRegex`, of an expression between slashes. */
function regex(text: string): RegExp {
  return new RegExp(text.slice(1, -1));
}

describe("what is drawn dashed", () => {
  const { regex: models, renamePattern } = MARK_MODELS.options as { regex: string; renamePattern: string };
  const isDashed = (name: string) => regex(ESTIMATED_SERIES).test(name.replace(regex(models), renamePattern));

  it.each(["pi-1 main (estimate)", "pi-1 board (pmic)", "pi-1 board (pmic) peak"])("is %s", (name) => {
    expect(isDashed(name)).toBe(true);
  });

  it.each(["pi-1 main (ina226)", "estimate-1 main (ina226)", "pi-1 estimate (rapl)"])("is not %s", (name) => {
    expect(isDashed(name)).toBe(false);
  });
});
