import { expect, it } from "vitest";
import { counted, plural } from "../src/index.ts";

it("one of a thing is called otherwise than none or several", () => {
  expect([0, 1, 2, 1.5].map((count) => counted(count, "window"))).toEqual([
    "0 windows",
    "1 window",
    "2 windows",
    "1.5 windows",
  ]);
  expect([1, 2].map((count) => counted(count, "try", "tries"))).toEqual(["1 try", "2 tries"]);
  expect(plural(1, "is", "are")).toBe("is");
});
