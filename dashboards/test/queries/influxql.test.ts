import { describe, expect, it } from "vitest";
import { MEASUREMENTS } from "@edgewatt/protocol";
import { INTERVAL_MS } from "../../src/queries/columns.ts";
import {
  CHOSEN_POLICY,
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

describe("influxql of more than one step", () => {
  const { inference, system, runEvent, pipeline } = MEASUREMENTS;

  it("reads the columns and tags of an inner query", () => {
    const inner = {
      from: system,
      select: [{ left: { field: "throttled" }, operator: "&", right: 1, as: "undervoltage" }],
      where: [chosen(system, "device")],
      groupBy: ["device"],
    } as const;
    expect(
      influxql({
        from: inner,
        select: [{ field: "undervoltage", call: "max" }],
        groupBy: ["device"],
        perInterval: true,
      }),
    ).toBe(
      `SELECT max("undervoltage") FROM (SELECT "throttled" & 1 AS "undervoltage" FROM "system" WHERE "device" =~ /^$device$/ AND $timeFilter GROUP BY "device") WHERE $timeFilter GROUP BY time($__interval), "device" fill(none)`,
    );
  });

  it("takes percentiles, several functions of a field and a fixed interval", () => {
    expect(
      influxql({
        from: inference,
        select: [
          { field: "latency_ms", call: "median", as: "p50" },
          { field: "latency_ms", call: "p95", as: "p95" },
          { field: "latency_ms", call: "p99.9" },
          { field: "latency_ms", call: "count" },
        ],
        groupBy: ["model"],
        perInterval: "1m",
        fill: 0,
      }),
    ).toBe(
      `SELECT median("latency_ms") AS "p50", percentile("latency_ms", 95) AS "p95", percentile("latency_ms", 99.9), count("latency_ms") FROM "inference" WHERE $timeFilter GROUP BY time(1m), "model" fill(0)`,
    );
  });

  it("transforms successive intervals, and calculates with what functions gave", () => {
    expect(
      influxql({
        from: power,
        select: [{ field: "watts", call: "integral", over: "difference", as: "joules" }],
        perInterval: true,
        fill: "null",
        policy: CHOSEN_POLICY,
      }),
    ).toBe(
      `SELECT difference(integral("watts", 1s)) AS "joules" FROM "$resolution"."power" WHERE $timeFilter GROUP BY time($__interval) fill(null)`,
    );
    expect(
      influxql({
        from: pipeline,
        select: [
          {
            left: { left: { field: "points", call: "sum" }, operator: "-", right: { field: "dropped", call: "sum" } },
            operator: "/",
            right: 60,
            as: "rate",
          },
        ],
      }),
    ).toBe(`SELECT (sum("points") - sum("dropped")) / 60 AS "rate" FROM "pipeline" WHERE $timeFilter`);
    expect(
      influxql({ from: power, select: [{ field: "watts", call: "mean", over: "moving_average" }], perInterval: true }),
    ).toContain(`SELECT moving_average(mean("watts"), 2) FROM`);
  });

  it("reaches back before the view", () => {
    expect(influxql({ from: runEvent, select: [{ field: "title" }], reachBack: "6h" })).toBe(
      `SELECT "title" FROM "run_event" WHERE time >= \${__from}ms - 6h AND time <= \${__to}ms`,
    );
  });

  it("reads only the end of the view, and knows the length of an interval", () => {
    const perSecond = {
      left: { field: "points", call: "sum" },
      operator: "/",
      right: INTERVAL_MS,
      as: "per_ms",
    } as const;
    expect(influxql({ from: pipeline, select: [perSecond], lately: "30s" })).toBe(
      `SELECT sum("points") / $__interval_ms AS "per_ms" FROM "pipeline" WHERE time >= \${__to}ms - 30s AND time <= \${__to}ms`,
    );
  });

  it("reads two inner queries as one", () => {
    const heard = { from: power, select: [{ field: "watts" }], groupBy: ["device"], lately: "30s" } as const;
    const known = {
      from: power,
      select: [{ field: "watts", call: "last", as: "known" }],
      groupBy: ["device"],
    } as const;
    const counted = [
      { field: "watts", call: "count" },
      { field: "known", call: "count" },
    ] as const;
    expect(influxql({ from: [heard, known], select: counted, groupBy: ["device"] })).toBe(
      `SELECT count("watts"), count("known") FROM (SELECT "watts" FROM "power" WHERE time >= \${__to}ms - 30s AND time <= \${__to}ms GROUP BY "device"), (SELECT last("watts") AS "known" FROM "power" WHERE $timeFilter GROUP BY "device") WHERE $timeFilter GROUP BY "device"`,
    );
  });

  it("refuses a name that the inner query does not give", () => {
    const inner = { from: power, select: [{ field: "watts", call: "p95" }], groupBy: ["device"] } as const;
    expect(influxql({ from: inner, select: [{ field: "percentile", call: "max" }] })).toContain(`max("percentile")`);
    expect(() => influxql({ from: inner, select: [{ field: "watts" }] })).toThrow(/the inner query has no tag watts/);
    expect(() => influxql({ from: inner, select: [{ field: "percentile" }], groupBy: ["channel"] })).toThrow(
      expect.objectContaining({ code: "not-in-catalogue" }),
    );
  });
});
