import { expect, test } from "vitest";
import { formatFigure, formatWithHalfWidth } from "../src/number-format.ts";

test("what is zero to all digits that are shown has no sign", () => {
  expect(formatWithHalfWidth(-3.1e-14, 6.7e-14)).toBe("0.0000 ± 0.0000");
  expect(formatWithHalfWidth(-0.04, 1.5)).toBe("0.0 ± 1.5");
  expect(formatFigure(-1e-9)).toBe("0.0000");
});

test("any other figure keeps its sign and the digits that its half-width supports", () => {
  expect(formatWithHalfWidth(-0.26, 0.1)).toBe("-0.26 ± 0.10");
  expect(formatWithHalfWidth(-1, null)).toBe("-1.000");
});
