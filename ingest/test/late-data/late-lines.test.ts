import { expect, it } from "vitest";
import { lateLines, mayHaveLateLines } from "../../src/late-data/late-lines.ts";

it("finds the lines before a time, whatever they look like", () => {
  const lines = [
    "power,device=a\\ b watts=1 1764000000000000",
    "power watts=1 1764000000000001",
    'run_event title="x 1" 1763999999999999',
    "old,device=a x=1 -5",
    "young x=1 999999999999999",
    "without x=1",
  ];
  expect(lateLines(lines, 1_764_000_000_000_000.5)).toEqual([
    { measurement: "run_event", timeS: 1_763_999_999 },
    { measurement: "old", timeS: -1 },
    { measurement: "young", timeS: 999_999_999 },
  ]);
});

it("finds in bytes whether there may be any", () => {
  const beforeUs = 1_764_000_000_000_000;
  const has = (...lines: string[]) =>
    mayHaveLateLines(Buffer.from(lines.map((line) => `${line}\n`).join("")), beforeUs);
  expect(has("power watts=1 1764000000000000", 'e s="é" 1764000000000001')).toBe(false);
  expect(has("power watts=1 1764000000000000", 'e s="é" 1763999999999999')).toBe(true);
  expect(has("x a=1 5")).toBe(true);
  expect(mayHaveLateLines(Buffer.alloc(0), beforeUs)).toBe(false);
});
