import { describe, expect, it } from "vitest";
import { MEASUREMENTS } from "@edgewatt/protocol";
import {
  chosen,
  equals,
  fieldValues,
  influxql,
  isNoneOf,
  isOneOf,
  ofChosenRun,
  tagValues,
} from "../../src/queries/influxql.ts";

const { power, runSummary } = MEASUREMENTS;

describe("influxql", () => {
  it("builds a query whose every name is the catalogue's", () => {
    expect(
      influxql({
        from: power,
        select: [{ field: "watts", call: "integral", as: "joules" }, { field: "run" }],
        where: [chosen(power, "device"), isNoneOf(power, "source", ["pmic", "estimate"])],
        groupBy: ["channel"],
        perInterval: true,
      }),
    ).toBe(
      `SELECT integral("watts", 1s) AS "joules", "run" FROM "power" WHERE "device" =~ /^$device$/ AND "source" !~ /^(pmic|estimate)$/ AND $timeFilter GROUP BY time($__interval), "channel" fill(none)`,
    );
  });

  it("tells one of several words from others that contain it", () => {
    expect(isOneOf(power, "source", ["pmic"])).toBe('"source" =~ /^(pmic)$/');
    expect(equals(power, "source", "pmic")).toBe(`"source" = 'pmic'`);
  });

  it.each([
    ["field", () => influxql({ from: power, select: [{ field: "wats" }] })],
    ["tag to group by", () => influxql({ from: power, select: [{ field: "watts" }], groupBy: ["model"] })],
    ["tag to choose", () => chosen(power, "model")],
    ["name to compare", () => equals(power, "model", "x")],
    ["run", () => ofChosenRun(MEASUREMENTS.system)],
    ["tag of a variable", () => tagValues(runSummary, "watts")],
    ["field of a variable", () => fieldValues(runSummary, "model")],
  ])("refuses a %s that the catalogue does not have", (_, build) => {
    expect(build).toThrow(expect.objectContaining({ name: "CatalogueError", code: "not-in-catalogue" }));
  });
});
