import { expect, test } from "vitest";
import { duration } from "../../src/page/format.ts";

test("a duration is rounded before it is cut into units", () => {
  expect([0.4, 59.4, 59.7, 3569, 3599, 7199, 7290, 86_399, 86_400].map(duration)).toEqual([
    "0 s",
    "59 s",
    "1 min",
    "59 min",
    "1 h 0 min",
    "2 h 0 min",
    "2 h 2 min",
    "1 d",
    "1 d",
  ]);
});
