import type { Results } from "@edgewatt/protocol";
import { expect, test } from "vitest";
import { comparisonTable } from "../src/comparisons.ts";
import { reportMarkdown } from "../src/markdown.ts";
import { memoryParagraphs } from "../src/memory.ts";
import { mergeResults } from "../src/merge.ts";
import { study } from "./study.ts";

const ratio = (value: number, half: number) => ({ value, low95: value - half, high95: value + half });

/** The study with runs of its own for each row, and int8 over fp32 of the first model. */
function compared(source: "ina219" | "estimate" = "ina219"): Results {
  const results = study({ source });
  const rows = results.rows.map((row, index) => Object.assign(row, { run: `J/${index}` }));
  const of = (index: number) => {
    const row = rows[index];
    if (row === undefined) throw new RangeError("the study has rows");
    return { run: row.run, model: row.model, precision: row.precision };
  };
  const comparisons = [
    {
      device: "pi-1",
      numerator: of(1),
      denominator: of(0),
      pairs: 5,
      latency: ratio(0.4512, 0.003),
      energyGross: ratio(0.6213, 0.021),
      energyNet: null,
    },
    {
      device: "pi-1",
      numerator: of(10),
      denominator: of(0),
      pairs: 5,
      latency: ratio(0.56, 0.01),
      energyGross: ratio(0.55, 0.01),
      energyNet: ratio(0.5, 0.02),
    },
  ];
  return { ...results, rows, comparisons };
}

test("ratios stand with their intervals and a sentence that reads one of them", () => {
  const table = comparisonTable(compared());
  expect(table?.rows).toEqual([
    ["mobilenetv1-cifar10-p00: int8 ÷ fp32", "0.451 [0.448, 0.454]", "0.62 [0.60, 0.64]", "–", "5"],
    [
      "fp32: mobilenetv1-cifar10-p40 ÷ mobilenetv1-cifar10-p00",
      "0.56 [0.55, 0.57]",
      "0.55 [0.54, 0.56]",
      "0.50 [0.48, 0.52]",
      "5",
    ],
  ]);
  expect(table?.notes[0]).toBe(
    "To be read: int8 of mobilenetv1-cifar10-p00 uses 0.62 [0.60, 0.64] of the gross energy of fp32.",
  );
  expect(table?.notes.join()).toContain("cannot be told from zero");
  expect(comparisonTable(study())).toBeUndefined();
});

test("ratios of estimated energies are called estimates, and say that the model's error stays", () => {
  const measured = comparisonTable(compared());
  expect(measured?.head).toContain("energy, gross");
  expect(measured?.notes.join()).toContain("one meter");
  expect(measured?.notes.join()).not.toContain("estimate");

  const modelled = comparisonTable(compared("estimate"));
  expect(modelled?.head).toEqual(["rows", "latency", "energy, gross, estimate", "energy, net, estimate", "blocks"]);
  expect(modelled?.notes[0]).toContain("of the gross energy of fp32, by an estimate.");
  expect(modelled?.notes.join()).not.toContain("one meter");
  expect(modelled?.notes.join()).toContain("the model's error does not cancel");

  const results = compared();
  const rows = results.rows.map((row) =>
    row.run === "J/10" ? Object.assign(row, { powerSource: "estimate" as const }) : row,
  );
  const mixed = comparisonTable({ ...results, rows });
  expect(mixed?.head).toContain("energy, gross");
  expect(mixed?.rows.map((cells) => cells[2])).toEqual(["0.62 [0.60, 0.64]", "0.55 [0.54, 0.56] est."]);
});

test("a merged document keeps a ratio as long as both of its runs are shown", () => {
  const document = compared();
  expect(mergeResults([document]).comparisons).toHaveLength(2);
  const newer = study({ source: "ina219", created: "2026-11-24T06:00:00.000Z" });
  const replaced = { ...newer, rows: newer.rows.slice(1, 2).map((row) => Object.assign(row, { run: "K/0" })) };
  const merged = mergeResults([document, replaced]);
  expect(merged.comparisons?.map(({ numerator }) => numerator.run)).toEqual(["J/10"]);
  expect(mergeResults([merged, document])).toEqual(merged);
});

test("memory says how much is there before any model, and what pruning changes", () => {
  const [text = ""] = memoryParagraphs(study());
  expect(text).toContain(
    "pi-1: of 96.43 MB at most (mobilenetv1-cifar10-p00 fp32), 54.10 MB are Node.js and ONNX Runtime before any model is loaded; the models' share is 33.53 to 42.33 MB.",
  );
  expect(text).toContain(
    "From pruning 0 to 0.4 the peak in fp32 goes from 96.43 to 87.63 MB (−9 %), the model's share from 42.33 to 33.53 MB (−21 %), its file from 12.87 to 4.699 MB (−63 %).",
  );
  const told = study();
  for (const row of told.rows) row.memorySessionMb = 28;
  expect(memoryParagraphs(told)[0]).toContain(
    "before any model is loaded, 28.00 MB its first session, whatever the model; the models' share",
  );
  const blind = study();
  for (const row of blind.rows) row.memoryBaselineMb = null;
  expect(memoryParagraphs(blind)).toEqual([]);
});

test("the published study is checked by its own figures", () => {
  const text = reportMarkdown(study());
  const rows = text.split("\n").filter((line) => /\| no +\|$/.test(line));
  expect(rows).toHaveLength(6);
  expect(rows[0]).toContain("22.11");
  expect(text).toContain(
    "in 6 of 6 rows energy ÷ latency is above the maximum power of the same row: 21.95 to 26.14 W",
  );
  expect(text).toContain("Ours: gross energy is all energy of a window of back-to-back inference");
});

test("each device has its context, and each row its readings", () => {
  const results = compared();
  const [device] = results.devices;
  const [first] = results.rows;
  if (device === undefined || first === undefined) throw new RangeError("the study has a device and rows");
  Object.assign(device, {
    affinity: "sampler 3, runner 0-2",
    observer: {
      fastHz: 940,
      slowHz: 5,
      fastW: 2.841,
      slowW: 2.812,
      deltaW: 0.029,
      halfWidth95W: 0.004,
      latency: {
        model: "m",
        precision: "fp32",
        threads: 3,
        fastMs: 0.6321,
        slowMs: 0.6309,
        deltaMs: 0.0012,
        halfWidth95Ms: 0.0004,
      },
    },
    lag: { ms: 0.7, halfWidth95Ms: 0.2, steps: 10 },
    temperatureC: { start: 48.2, end: 61.3 },
  });
  first.temperatureC = { start: 55, end: 57.5 };
  first.sampling = { rateHz: 938.2, jitterP99Ms: 0.1234, missing: 2 };
  const digest = "a".repeat(64);
  first.trace = { name: "m-fp32-J-0.csv.gz", sha256: digest, bytes: 123_456, url: "http://hub/artifacts/x" };
  const text = reportMarkdown(results);
  for (const line of [
    "- bound to processors: sampler 3, runner 0-2",
    "- reading the meter: 29.0 ± 4.0 mW at 940 against 5 readings a second (idle 2.84 and 2.81 W)",
    "- latency while the meter is read: 1.20 ± 0.40 µs at 940 against 5 readings a second (m fp32, 3 threads; 0.6321 and 0.6309 ms)",
    "- readings in the windows: at least 938 a second, 99 % of them within 0.123 ms of the usual interval, 2 missing",
    "- lag of power behind load: 0.70 ± 0.20 ms over 10 steps",
    "- temperature of the processor: 48.2 °C before and 61.3 °C after, 55 to 57.5 °C around the windows",
    "- meter settings: idleW 2.7, fullW 7.1",
    "Addresses are of the hub that keeps them, and answer while it runs.",
    `- m-fp32-J-0.csv.gz, 123,456 bytes, <http://hub/artifacts/x>, sha256 ${digest}`,
  ]) {
    expect(text).toContain(line);
  }
  expect(reportMarkdown(study())).not.toContain("lag of power");
  Object.assign(device, { lag: null, lagNote: "the meter gives 10 readings a second" });
  Object.assign(device, { observer: null, observerNote: "not asked for" });
  expect(reportMarkdown(results)).toContain("- what reading the meter takes: not known, not asked for");
  expect(reportMarkdown(results)).toContain(
    "- lag of power behind load: not known, the meter gives 10 readings a second",
  );
});
