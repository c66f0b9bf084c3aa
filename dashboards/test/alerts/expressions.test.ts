import { describe, expect, it } from "vitest";
import { math, reduceLast, stateOf, threshold } from "./expressions.ts";

const a = (device: string, value: number | null) => ({ labels: { device }, value });

describe("the evaluator of the tests", () => {
  it("reduces a series to its newest value that is one", () => {
    expect(reduceLast([{ labels: {}, values: [1, 2, null, Number.NaN] }])).toEqual([{ labels: {}, value: 2 }]);
    expect(reduceLast([{ labels: {}, values: [null] }])).toEqual([{ labels: {}, value: null }]);
  });

  it("compares, and leaves what has no value without one", () => {
    expect(threshold([a("x", 5), a("y", 4), a("z", null)], "gt", 4)).toEqual([a("x", 1), a("y", 0), a("z", null)]);
    expect(threshold([a("x", 5), a("y", 3)], "lt", 4)).toEqual([a("x", 0), a("y", 1)]);
  });

  it("computes on series with the same labels, and drops one without a partner", () => {
    const variables = { A: [a("x", 12), a("y", 9)], B: [a("x", 2), a("z", 1)] };
    expect(math("$B / ($A - $B) * 100", variables)).toEqual([a("x", 20)]);
    expect(math("1 + 2 * 3 - 4", {})).toEqual([{ labels: {}, value: 3 }]);
    expect(math("$A + $B", { A: [a("x", 1)], B: [a("y", 2)] })).toEqual([{ labels: {}, value: 3 }]);
    expect(math("$A + $B", { A: [a("x", 1)], B: [] })).toEqual([]);
  });

  it("takes any number but zero for an alert", () => {
    expect([stateOf(0), stateOf(1), stateOf(null)]).toEqual(["Normal", "Alerting", "NoData"]);
  });
});
