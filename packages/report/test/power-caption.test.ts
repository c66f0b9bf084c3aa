import { expect, test } from "vitest";
import { resultsTable } from "../src/index.ts";
import { study } from "./study.ts";

function caption(results = study({ source: "ina219" })): string {
  return resultsTable(results).caption.join("\n");
}

test("names the source with what it measures, and the bandwidth of the maximum", () => {
  expect(caption()).toContain("Meters: ina219: power through its shunt, whatever is wired behind it.");
  expect(caption()).toContain("bandwidth 416 Hz (−3 dB of its averaging)");
  expect(caption(study())).toContain("a model, not from a meter (estimate: the whole board, by a model of CPU load");
  expect(caption(study())).not.toContain("Meters:");
  expect(caption(study())).toContain("the meter does not tell its bandwidth");
  expect(caption(study({ source: null }))).not.toMatch(/Meters:|estimate/);
});

test("says whether half-widths cover the meter or repetition only, and of how many rows", () => {
  const results = study({ source: "ina219" });
  expect(caption(results)).toContain(
    "± of energy covers repetition over windows and the meter's limits of error (±1.4 % of gross energy), combined in quadrature.",
  );
  expect(caption(study())).toContain("± of energy covers repetition only: the limits of error of this source");
  const other = study({ device: "pi-2" });
  const both = {
    ...results,
    devices: [...results.devices, ...other.devices],
    rows: [...results.rows, ...other.rows],
  };
  expect(caption(both)).toContain("for 12 rows of pi-1; for the others repetition only");
});

test("the maximum over 10 ms has a column where a meter is fast enough, and a reason where one of several is not", () => {
  const results = study({ source: "ina219" });
  const [slow, ...others] = results.rows;
  if (slow === undefined) throw new RangeError("the study has rows");
  const table = resultsTable({ ...results, rows: [{ ...slow, maxPower10msW: null }, ...others] });
  const index = table.columns.findIndex(({ key }) => key === "maxPower10msW");
  expect(table.rows[1]?.[index]?.text).toBe("5.910");
  const note = table.rows[0]?.[index]?.notes[0] ?? 0;
  expect(table.footnotes[note - 1]).toContain("fewer than 100 readings a second");
  expect(resultsTable(study()).columns.map(({ key }) => key)).not.toContain("maxPower10msW");
});
