import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { resultsSchema, type Results } from "@edgewatt/protocol";
import { parseHTML } from "linkedom";
import { expect, test } from "vitest";
import { FIGURE_NAMES, figure, figures, writeReport } from "../src/index.ts";
import { study } from "./study.ts";

function texts(svg: string, selector = "text"): string[] {
  return [...parseHTML(svg).document.querySelectorAll(selector)].map((element) => element.textContent ?? "");
}

function count(svg: string, selector: string): number {
  return parseHTML(svg).document.querySelectorAll(selector).length;
}

test("draws every row of the study, with names for those who cannot see it", () => {
  for (const { name, svg, title } of figures(study())) {
    const points = name === "energy-vs-pruning" ? 24 : 12;
    expect(count(svg, "[aria-label=dot] path")).toBe(points);
    expect(texts(svg, "title")).toContain(title);
    expect(texts(svg, "desc")[0]).toContain("mobilenetv1-cifar10-p05 int8");
  }
});

test("precisions differ in shape and dash, not only in colour", () => {
  const { svg } = figure("latency-vs-pruning", study());
  const shapes = parseHTML(svg).document.querySelectorAll("[aria-label=dot] path");
  expect(new Set([...shapes].map((shape) => shape.getAttribute("d"))).size).toBe(2);
  expect(svg).toContain('stroke-dasharray="5 3"');
});

test("half-widths are drawn where there are some", () => {
  const results = study();
  const bare = {
    ...results,
    rows: results.rows.map((row) => ({ ...row, latencyMs: { ...row.latencyMs, halfWidth95: null } })),
  };
  expect(count(figure("latency-vs-pruning", results).svg, "[aria-label=rule] line")).toBe(12);
  expect(count(figure("latency-vs-pruning", bare).svg, "[aria-label=rule] line")).toBe(0);
});

test("an axis says that its energy is an estimate, and only then", () => {
  const labels = (results: Results) => [
    ...texts(figure("pareto", results).svg),
    ...texts(figure("energy-vs-pruning", results).svg),
  ];
  expect(labels(study()).filter((text) => text.endsWith("(mJ), estimate"))).toHaveLength(2);
  expect(labels(study({ source: "ina219" })).join()).not.toContain("estimate");
  // The description is all that a screen reader reads of a figure.
  expect(texts(figure("pareto", study()).svg, "desc")[0]).toContain("energy per image, gross (mJ), estimate");
  expect(texts(figure("pareto", study({ source: "ina219" })).svg, "desc")[0]).not.toContain("estimate");
});

test("an axis on which all figures are the same is marked with numbers to be read", () => {
  const results = study();
  const alone = { ...results, rows: results.rows.slice(0, 1) };
  for (const { svg } of figures(alone)) {
    const marks = texts(svg, "[aria-label$='tick label'] text");
    expect(marks.length).toBeGreaterThan(4);
    for (const mark of marks) expect(mark.length).toBeLessThan(6);
    expect(marks.join()).not.toMatch(/[-−]\d/);
  }
});

test("a figure without data says why", () => {
  const results = study({ accuracy: false, source: null });
  expect(texts(figure("accuracy-vs-pruning", results).svg)).toContain("no-accuracy: no labelled test set was given");
  expect(texts(figure("pareto", results).svg)).toContain("no-power: the device has no power source");
  expect(texts(figure("latency-vs-pruning", { ...results, rows: [] }).svg)).toContain("There are no results yet.");
});

test("a figure needs no inline style, which a strict content policy forbids", () => {
  for (const { svg } of figures(study())) expect(svg).not.toMatch(/<style|\sstyle=/);
});

test("the same results give the same bytes, and a hostile name stays text", () => {
  const results = study();
  const rows = results.rows.map((row) => ({ ...row, model: '<script>alert("x")</script>' }));
  expect(figures(results)).toEqual(figures(study()));
  for (const { svg } of figures({ ...results, rows })) expect(svg).not.toContain("<script");
});

test("the report folder holds what the interface names, and valid results", async () => {
  const dir = await mkdtemp(path.join(tmpdir(), "edgewatt-report-"));
  try {
    const names = await writeReport(path.join(dir, "latest"), study());
    expect(names.toSorted()).toEqual(
      ["report.md", "results.csv", "results.json", ...FIGURE_NAMES.map((name) => `${name}.svg`)].toSorted(),
    );
    expect((await readdir(path.join(dir, "latest"))).toSorted()).toEqual(names.toSorted());
    const json: unknown = JSON.parse(await readFile(path.join(dir, "latest", "results.json"), "utf8"));
    expect(resultsSchema.parse(json)).toEqual(study());
    const markdown = await readFile(path.join(dir, "latest", "report.md"), "utf8");
    for (const name of FIGURE_NAMES) expect(markdown).toContain(`(${name}.svg)`);
  } finally {
    await rm(dir, { recursive: true });
  }
});

test("a folder that cannot be written is one clear error", async () => {
  await expect(writeReport("/dev/null/report", study())).rejects.toThrow(
    /cannot write the report to \/dev\/null\/report/,
  );
});
