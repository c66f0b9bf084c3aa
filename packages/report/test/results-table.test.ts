import { expect, test } from "vitest";
import { renderTable, resultsTable, toMarkdown } from "../src/index.ts";
import { study } from "./study.ts";

function stripWidth(text: string): string[] {
  return text.split("\n").map((line) => line.trimEnd());
}

test("has every column of the fixed table", () => {
  expect(resultsTable(study()).columns.map((column) => column.title)).toEqual([
    "model",
    "pruning fraction",
    "fine-tuning epochs",
    "#params",
    "precision",
    "file size (MB)",
    "max memory (MB)",
    "average latency per image (ms)",
    "latency p50 (ms)",
    "latency p95 (ms)",
    "latency p99 (ms)",
    "max power, estimate (W)",
    "average energy per image, gross, estimate (mJ)",
    "average energy per image, net, estimate (mJ)",
    "test accuracy (%)",
    "flags",
  ]);
});

test("a blank cell points to the flag that says why, and to a default reason where no flag does", () => {
  const results = study({ accuracy: false });
  for (const row of results.rows) row.pruning = null;
  const table = resultsTable(results);
  const keys = table.columns.map((column) => column.key);
  const [first = []] = table.rows;
  const accuracy = first[keys.indexOf("accuracyPct")];
  const pruning = first[keys.indexOf("pruning")];
  expect(accuracy?.text).toBe("–");
  expect(table.footnotes[(accuracy?.notes[0] ?? 0) - 1]).toBe("no-accuracy: no labelled test set was given");
  expect(pruning?.text).toBe("–");
  expect(table.footnotes[(pruning?.notes[0] ?? 0) - 1]).toContain("manifest does not tell");
});

test("no cell is ever blank without a footnote", () => {
  for (const results of [
    study(),
    study({ accuracy: false }),
    study({ source: null }),
    study({ source: null, accuracy: false }),
  ]) {
    for (const cell of resultsTable(results).rows.flat()) {
      if (cell.text === "–") expect(cell.notes.length).toBeGreaterThan(0);
      expect(cell.text + cell.notes.join("")).not.toBe("");
    }
  }
});

test("an estimate is marked in header and caption; a meter is not", () => {
  const estimate = resultsTable(study());
  expect(estimate.caption.join("\n")).toContain("not from a meter");
  const meter = resultsTable(study({ source: "ina219" }));
  expect(meter.caption.join("\n")).not.toContain("estimate");
  expect(meter.columns.map((column) => column.title).join()).not.toContain("estimate");
});

test("with one device estimated and one measured, each estimated cell is marked", () => {
  const metered = study({ source: "ina219" });
  const other = study({ device: "pi-2" });
  const table = resultsTable({
    ...metered,
    devices: [...metered.devices, ...other.devices],
    rows: [...metered.rows, ...other.rows],
  });
  const maxPower = table.columns.findIndex((column) => column.key === "maxPowerW");
  expect(table.columns[0]?.key).toBe("device");
  expect(table.rows.map((row) => row[maxPower]?.text.endsWith(" est."))).toEqual([
    ...metered.rows.map(() => false),
    ...other.rows.map(() => true),
  ]);
});

test("figures that contradict each other are flagged and noted", () => {
  const results = study({ source: "ina219" });
  const [first, ...rest] = results.rows;
  if (first === undefined) throw new TypeError("the study has rows");
  const table = resultsTable({ ...results, rows: [{ ...first, idlePowerW: 9 }, ...rest] });
  expect(table.footnotes.join("\n")).toContain("idle power 9.000 W is above mean power 5.214 W");
  expect(table.caption.at(-1)).toContain("1 of 12 rows");
});

test("the terminal table keeps to the width, splits and repeats the labels", () => {
  for (const width of [60, 80, 100, 140, 220]) {
    const lines = stripWidth(renderTable(study({ accuracy: false }), { width }));
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
  }
  const narrow = renderTable(study(), { width: 80 });
  const wide = renderTable(study(), { width: 220 });
  const labels = (text: string) => text.match(/mobilenetv1-cifar10-p05 +int8/g)?.length ?? 0;
  expect(wide).toContain("3,217,226");
  expect(labels(narrow)).toBeGreaterThan(1);
});

test("Markdown has one line per row and cannot be broken by a model's name", () => {
  const results = study();
  const [first, ...rest] = results.rows;
  if (first === undefined) throw new TypeError("the study has rows");
  const text = toMarkdown({ ...results, rows: [{ ...first, model: "evil|<b>\nname" }, ...rest] });
  const lines = text.split("\n").filter((line) => line.startsWith("|"));
  expect(lines).toHaveLength(2 + 12);
  expect(lines[2]).toContain("evil\\|\\<b\\> name");
});

test("flags that differ in figures share one footnote with their range, others name their rows", () => {
  const results = study();
  const [first, second, third] = results.rows;
  if (first === undefined || second === undefined || third === undefined) throw new RangeError("the study has rows");
  first.flags = ["idle-drift: differ by 9.8 % at worst, over 2 %", "few-windows: 2"];
  second.flags = ["idle-drift: differ by 15 % at worst, over 2 %"];
  third.flags = ["few-windows: 1 instead of 3 to keep to the time budget"];
  const { footnotes } = resultsTable({ ...results, rows: [first, second, third] });
  expect(footnotes).toContain("idle-drift: differ by 9.8 to 15 % at worst, over 2 %");
  expect(footnotes.find((note) => note.startsWith("few-windows"))).toBe(
    `few-windows: 2 (${first.model} ${first.precision}); 1 instead of 3 to keep to the time budget (${third.model} ${third.precision})`,
  );
});

test("a row of another run is marked when its method differs, not when only the order of measuring does", () => {
  const { method, ...rest } = study();
  const [first, second, ...others] = rest.rows;
  if (first === undefined || second === undefined) throw new RangeError("the study has rows");
  const rows = [
    { ...first, method: { ...method, seed: 7 } },
    { ...second, method: { ...method, windowS: method.windowS + 1 } },
    ...others,
  ];
  const notes = resultsTable({ ...rest, method, rows }).footnotes.filter((note) => note.startsWith("other method"));
  expect(notes).toHaveLength(1);
  expect(notes[0]).toContain(`windows of ${method.windowS + 1} s`);
});

test("the method says when rows may have more windows", () => {
  const results = study();
  const method = { ...results.method, windows: 5, maxWindows: 20, targetHalfWidthPct: 1, windowS: 10, quick: false };
  expect(resultsTable({ ...results, method }).caption[0]).toBe(
    "Method: 5 windows, and up to 20 until their half-width is 1 %, of 10 s per row, 3 threads, batch 1, accuracy on 2000 test images.",
  );
});
