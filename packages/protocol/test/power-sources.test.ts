import { expect, test } from "vitest";
import { describeSource, isModelled, MODELLED_SOURCES, POWER_SOURCES } from "../src/power-sources.ts";

test("models are told from meters, and a source of a newer version is taken for a model", () => {
  expect(MODELLED_SOURCES).toEqual(["pmic", "estimate"]);
  expect(POWER_SOURCES.filter((source) => !isModelled(source))).toContain("rapl");
  expect(isModelled("toString")).toBe(true);
  expect(isModelled("smart-plug")).toBe(true);
});

test("each source says what its watts are of", () => {
  expect(describeSource("rapl")).toBe("rapl: the processor package only, not the board");
  for (const source of POWER_SOURCES) expect(describeSource(source)).toMatch(new RegExp(`^${source}: \\w`));
  for (const source of MODELLED_SOURCES) expect(describeSource(source)).toMatch(/by a model of/);
  expect(describeSource("smart-plug")).toBe("smart-plug");
});
