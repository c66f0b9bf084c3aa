import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { layersSchema } from "@edgewatt/protocol";
import { parse } from "csv-parse/sync";
import { parseHTML } from "linkedom";
import { expect, test } from "vitest";
import { importanceFigure } from "../../src/layers/importance-figure.ts";
import { layersCsv } from "../../src/layers/layers-csv.ts";
import { layersTable } from "../../src/layers/layers-table.ts";
import { layersMarkdown } from "../../src/layers/layers-files.ts";
import { renderLayers } from "../../src/terminal.ts";
import { writeLayersReport } from "../../src/write-report.ts";
import { studyLayers } from "./study-layers.ts";

function cellsOf(layers = studyLayers()): (key: string) => string[] {
  const { columns, rows } = layersTable(layers);
  return (key) => rows.map((row) => row[columns.findIndex((column) => column.key === key)]?.text ?? "");
}

test("a row per layer and one for the rest, the energy apportioned by time", () => {
  const cells = cellsOf();
  expect(cells("layer")).toEqual(["/block0/Conv", "/block1/Conv", "/block2/Conv", "/block3/Conv", "other"]);
  expect(cells("weightsPct")).toEqual(["60.00", "30.00", "9.00", "1.00", ""]);
  expect(cells("macsPct")).toEqual(["25.00", "25.00", "25.00", "25.00", ""]);
  expect(cells("timePct")).toEqual(["40.00", "30.00", "20.00", "5.00", "5.00"]);
  expect(cells("energyMj").map(Number)).toEqual([4, 3, 2, 0.5, 0.5]);
  expect(cells("floatEnergyMj").map(Number)).toEqual([9.36, 6.96, 4.56, 0.96, 2.16]);
  expect(cells("accuracyDropPt")).toEqual(["0.00", "0.10", "0.20", "–", ""]);
  const { caption, columns } = layersTable(studyLayers());
  expect(caption.join("\n")).toContain("apportioned by time");
  expect(columns.find(({ key }) => key === "energyMj")?.title).toBe("energy, int8, apportioned by time, estimate (mJ)");
  expect(caption.join("\n")).toContain("not from a meter");
});

test("a measured energy is not called an estimate", () => {
  const text = renderLayers(studyLayers({ source: "ina219" }));
  expect(text).not.toMatch(/est\.|estimate/);
  expect(text).toContain("apportioned by time");
});

test("every blank cell says why", () => {
  for (const layers of [studyLayers({ source: null, labels: false }), studyLayers()]) {
    const { rows, footnotes } = layersTable(layers);
    const blanks = rows.flat().filter(({ text }) => text === "–");
    expect(blanks.length).toBeGreaterThan(0);
    for (const { notes } of blanks) expect(notes.map((note) => footnotes[note - 1])).not.toContain(undefined);
    for (const { notes } of blanks) expect(notes).toHaveLength(1);
  }
  const { columns, rows, footnotes } = layersTable(studyLayers({ source: null, labels: false }));
  const whyOf = (row: number, key: string) =>
    footnotes[(rows[row]?.[columns.findIndex((column) => column.key === key)]?.notes[0] ?? 0) - 1];
  expect(whyOf(0, "energyMj")).toMatch(/^power-missing: 3 of 3 windows/);
  expect(whyOf(0, "accuracyDropPt")).toBe("accuracy: the images have no labels");
  expect(whyOf(3, "sqnrDb")).toBe("float: /block3/Conv is not quantized: its weights are computed at run time");
});

test("a narrow terminal repeats the names of the layers beside every part", () => {
  const text = renderLayers(studyLayers(), { width: 70 });
  expect(text.split("\n").filter((line) => line.includes("/block0/Conv")).length).toBeGreaterThan(1);
  for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(70);
});

test("CSV holds full precision under headers with units", () => {
  const records = parse<Record<string, string>>(layersCsv(studyLayers()), { columns: true });
  expect(records).toHaveLength(4);
  expect(records[1]).toMatchObject({
    layer: "/block1/Conv",
    "weights (%)": "30",
    "power source": "estimate",
    "energy int8, apportioned by time (mJ)": "3",
    "signal-to-noise alone (dB)": "41.25",
    "in float because": "",
  });
  expect(records[3]?.["signal-to-noise alone (dB)"]).toBe("");
});

test("the figure draws every layer in every panel, and says it in words", () => {
  const document = parseHTML(importanceFigure(studyLayers())).document;
  const texts = [...document.querySelectorAll("text")].map(({ textContent }) => textContent);
  for (const label of ["weights (%)", "time (%)", "energy (mJ, est.)", "signal-to-noise (dB)", "accuracy lost (pt)"])
    expect(texts).toContain(label);
  for (const name of ["/block0/Conv", "/block3/Conv"]) expect(texts).toContain(name);
  expect(document.querySelectorAll("[aria-label=bar] rect")).toHaveLength(4);
  // Time and energy in two precisions, noise and accuracy of the three layers that are quantized.
  expect(document.querySelectorAll("[aria-label=dot] path, [aria-label=dot] circle")).toHaveLength(4 * 4 + 3 + 3);
  expect(document.querySelector("desc")?.textContent).toContain("/block1/Conv: weights (%) 30.00");
});

test("the figure leaves out what was not measured, keeps hostile names as text, and needs no inline style", () => {
  const svg = importanceFigure(studyLayers({ source: null, labels: false, names: (i) => `<script>${i}</script>` }));
  expect(svg).not.toMatch(/energy|accuracy lost/);
  expect(svg).not.toMatch(/<script|<style|\sstyle=/);
  expect(importanceFigure(studyLayers())).toBe(importanceFigure(studyLayers()));
});

test("a figure that all layers share has an axis all the same", () => {
  const layers = studyLayers();
  for (const layer of layers.layers) Object.assign(layer, { accuracyDropPt: 0, weightsPct: 25 });
  const texts = [...parseHTML(importanceFigure(layers)).document.querySelectorAll("text")];
  expect(texts.map(({ textContent }) => textContent)).toEqual(expect.arrayContaining(["−1.0", "0.0", "1.0", "20"]));
});

test("long names are cut at their beginning, which says least", () => {
  const svg = importanceFigure(studyLayers({ names: (i) => `/${"module/".repeat(12)}conv${i}` }));
  const texts = [...parseHTML(svg).document.querySelectorAll("text")].map(({ textContent }) => textContent ?? "");
  const names = texts.filter((text) => text.includes("conv"));
  expect(names).toHaveLength(4);
  for (const name of names) expect(name).toMatch(/^…module.{24}$|^….{31}$/);
});

test("the folder holds table, figure and a valid document", async () => {
  const dir = await mkdtemp(path.join(tmpdir(), "edgewatt-layers-"));
  try {
    const names = await writeLayersReport(path.join(dir, "new"), studyLayers());
    expect(names).toEqual(["layer-importance.svg", "layers.csv", "layers.md", "layers.json"]);
    expect((await readdir(path.join(dir, "new"))).toSorted()).toEqual(names.toSorted());
    const json: unknown = JSON.parse(await readFile(path.join(dir, "new", "layers.json"), "utf8"));
    expect(layersSchema.parse(json)).toEqual(studyLayers());
    expect(layersMarkdown(studyLayers())).toContain("(layer-importance.svg)");
  } finally {
    await rm(dir, { recursive: true });
  }
});
