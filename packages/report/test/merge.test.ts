import { resultsSchema } from "@edgewatt/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { figure, mergeResults, ReportError, resultsTable, toCsv } from "../src/index.ts";
import { study } from "./study.ts";

const early = study({ created: "2026-11-23T06:00:00.000Z" });
const late = { ...study({ created: "2026-11-23T07:00:00.000Z" }), rows: study().rows.slice(0, 3) };

test("keeps the newest row of each device, model and precision, whatever the order", () => {
  const newer = { ...late, rows: late.rows.map((row) => ({ ...row, run: "newer/0" })) };
  for (const merged of [mergeResults([early, newer]), mergeResults([newer, early])]) {
    expect(merged.rows).toHaveLength(12);
    expect(merged.rows.filter((row) => row.run === "newer/0")).toHaveLength(3);
    expect(merged.created).toBe(newer.created);
    expect(resultsSchema.parse(merged)).toEqual(merged);
  }
});

test("unites devices and keeps the method of rows that were measured by another", () => {
  const full = {
    ...study({ device: "pi-2", created: late.created }),
    method: { ...late.method, quick: false, windows: 10 },
  };
  const merged = mergeResults([early, full]);
  expect(merged.devices.map((device) => device.id)).toEqual(["pi-1", "pi-2"]);
  expect(merged.method.windows).toBe(10);
  for (const row of merged.rows) expect(row.method?.windows).toBe(row.device === "pi-1" ? 3 : undefined);
});

test("an estimate stays one when its device has been given a meter", () => {
  const metered = { ...study({ created: late.created, source: "ina219" }) };
  const merged = mergeResults([early, { ...metered, rows: metered.rows.slice(0, 1) }]);
  expect(merged.rows.map((row) => row.powerSource)).toEqual([
    undefined,
    ...Array.from({ length: 11 }, () => "estimate"),
  ]);
  expect(mergeResults([merged, early])).toEqual(merged);
  expect(resultsSchema.parse(merged)).toEqual(merged);
  const table = resultsTable(merged);
  const maxPower = table.columns.findIndex((column) => column.key === "maxPowerW");
  expect(table.rows.filter((row) => row[maxPower]?.text.endsWith(" est."))).toHaveLength(11);
  expect(table.caption.join("\n")).toContain("not from a meter");
  expect(toCsv(merged).match(/,estimate,/g)).toHaveLength(11);
  expect(figure("energy-vs-pruning", merged).svg).toContain("partly estimate");
});

test("merging what is merged changes nothing, in any order or grouping", () => {
  const documents = [early, late, study({ device: "pi-2", created: "2026-11-23T05:00:00.000Z" })];
  const whole = mergeResults(documents);
  fc.assert(
    fc.property(fc.shuffledSubarray(documents, { minLength: 3 }), ([a, b, c]) => {
      if (a === undefined || b === undefined || c === undefined) return;
      expect(mergeResults([mergeResults([a, b]), c])).toEqual(whole);
      expect(mergeResults([whole, a])).toEqual(whole);
    }),
  );
});

test("nothing to merge is an error", () => {
  expect(() => mergeResults([])).toThrow(ReportError);
});
