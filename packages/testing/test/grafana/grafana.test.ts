import { describe, expect, it } from "vitest";
import { expandQuery, grafanaIntervalMs, grafanaMs, type GrafanaDashboard } from "../../src/grafana/index.ts";

const dashboard: GrafanaDashboard = {
  uid: "edgewatt-test",
  title: "Test",
  time: { from: "now-5m", to: "now" },
  panels: [],
  templating: {
    list: [
      { name: "device", type: "query", query: "", multi: true, allValue: ".*", current: { value: ["$__all"] } },
      { name: "run", type: "query", query: "", current: { value: "01ARZ" } },
      { name: "model", type: "query", query: "" },
    ],
  },
};

const expand = (query: string, variables: Record<string, string | readonly string[]> = {}): string =>
  expandQuery(dashboard, query, { variables, fromMs: 1000, toMs: 61_000, intervalMs: 200 });

describe("a query as Grafana expands it", () => {
  it.each<[string, Record<string, string | readonly string[]>, string]>([
    ["All as it is", {}, "/^.*$/"],
    ["one value of several as a group", { device: ["pi.1"] }, String.raw`/^(pi\.1)$/`],
    ["several, escaped", { device: ["a/b", "c(d)"] }, String.raw`/^(a\/b|c\(d\))$/`],
    ["a text alone, escaped", { device: "a/b" }, String.raw`/^a\/b$/`],
    ["a text that parseFloat reads, as it is", { device: "3.5b/x" }, "/^3.5b/x$/"],
  ])("has %s", (_, variables, expected) => {
    expect(expand('"device" =~ /^$device$/', variables)).toBe(`"device" =~ ${expected}`);
  });

  it("escapes a variable of one value only within a regular expression", () => {
    expect(expand('"model" =~ /^$model$/', { model: "a+b" })).toBe(String.raw`"model" =~ /^a\+b$/`);
    expect(expand(`"model" = '$model' AND "x" =~ /y/`, { model: "a+b" })).toBe(`"model" = 'a+b' AND "x" =~ /y/`);
  });

  it("has the default of what is not chosen, and leaves what it does not know", () => {
    expect(expand('FROM "$run"."${run}" $unknown')).toBe('FROM "01ARZ"."01ARZ" $unknown');
  });

  it("has the time range and the interval", () => {
    expect(expand("$timeFilter GROUP BY time($__interval) $__interval_ms ${__from}ms ${__to}")).toBe(
      "time >= 1000ms and time <= 61000ms GROUP BY time(200ms) 200 1000ms 61000",
    );
  });
});

describe("the interval that Grafana chooses", () => {
  it.each([
    ["now-5m", 1000, undefined, 200],
    ["now-5m", 1000, "1s", 1000],
    ["now-1h", 1000, "100ms", 5000],
    ["now-1h", 100, "100ms", 30_000],
    ["now-30d", 1000, "1m", 1_800_000],
    ["now-1h", 100, "1m", 60_000],
  ])("of %s in %i values, at least %s, is %i ms", (range, values, lowest, expected) => {
    expect(grafanaIntervalMs(grafanaMs(range), values, lowest)).toBe(expected);
  });
});
