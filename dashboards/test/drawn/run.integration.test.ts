import assert from "node:assert/strict";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requireSystem } from "@edgewatt/testing";
import { fillDatabase, type FilledDatabase } from "../replay/filled-database.ts";
import { drawn, panelOf, type Drawn } from "./drawn.ts";
import {
  BETWEEN_ROWS_US,
  ESTIMATED,
  jobOf,
  LATENCIES_MS,
  METERED,
  ROWS,
  studyTelemetry,
  WINDOWS_US,
} from "./study-telemetry.ts";
import { formattedValueToString } from "./transformers.ts";

const influxd = requireSystem("influxd");
let database: FilledDatabase | undefined;

beforeAll(async () => {
  if (influxd.skip) return;
  database = await fillDatabase({ devices: [METERED, ESTIMATED], telemetry: studyTelemetry });
});

afterAll(async () => database?.[Symbol.asyncDispose]());

function run(title: string, chosen: Record<string, string | string[]> = {}): Promise<Drawn> {
  assert(database);
  return drawn(database, { uid: "edgewatt-run", title, chosen: { device: METERED, run: [jobOf(METERED)], ...chosen } });
}

describe.skipIf(influxd.skip)("Run, drawn by Grafana's own transformers", () => {
  it("has the rows of the run, each from its first window's begin to its last one's end", async () => {
    const { frame, names, column } = await run("Rows");
    expect(names).toEqual([
      "Device",
      "Model",
      "Precision",
      "Pruning fraction",
      "Latency",
      "± latency (95 %)",
      "Accuracy",
      "Power source",
      "Run",
      "Flags",
      "Begin",
      "End",
    ]);
    expect(frame.length).toBe(ROWS.length);
    assert(database);
    const { t0Ms } = database;
    const stretches = column("Run").map((name, row) => [
      name,
      Number(column("Begin")[row]),
      Number(column("End")[row]),
    ]);
    const expected = ROWS.map((_, index) => {
      const begin = t0Ms + (index * BETWEEN_ROWS_US) / 1000;
      return [`${jobOf(METERED)}/${index}`, begin, begin + WINDOWS_US / 1000];
    });
    expect(new Set(stretches.map(String))).toEqual(new Set(expected.map(String)));
  });

  it("leads from a row to the power of its windows, by columns that the row has", async () => {
    const links = (await run("Rows")).field("Model").config.links ?? [];
    expect(links.map(({ url }) => url)).toEqual([
      "/d/edgewatt-live-power?from=${__data.fields.Begin.numeric}&to=${__data.fields.End.numeric}&${datasource:queryparam}&var-device=${__data.fields.device}",
      "/d/edgewatt-study?${__url_time_range}&${datasource:queryparam}&${device:queryparam}&var-model=${__data.fields.model}",
    ]);
  });

  it("shows only rows of what is chosen, although the windows are of all rows", async () => {
    const { column } = await run("Rows", { precision: ["int8"], model: ["net-p20"] });
    expect(column("Run")).toEqual([`${jobOf(METERED)}/3`]);
  });

  it("has percentiles of the inferences of each row, and their number", async () => {
    const { names, column, field } = await run("Latency");
    expect(names).toEqual(["Device", "Model", "Precision", "p50", "p95", "p99", "max", "Inferences"]);
    expect(column("Model")).toEqual(["net-p00"]);
    const figures = ["p50", "p95", "p99", "max", "Inferences"].map((name) => column(name)[0]);
    expect(figures).toEqual([50.5, 95, 99, 100, LATENCIES_MS.length]);
    expect(formattedValueToString(field("p95").display!(95))).toBe("95 ms");
  });

  it("has energy with its half-widths and its source, which is called an estimate where it is one", async () => {
    const { names, field, column } = await run("Energy per image", { device: ESTIMATED, run: [jobOf(ESTIMATED)] });
    expect(names).toEqual([
      "Device",
      "Model",
      "Precision",
      "Gross",
      "± gross (95 %)",
      "Net",
      "± net (95 %)",
      "Power source",
    ]);
    const source = field("Power source");
    const shown = column("Power source").map((value) => formattedValueToString(source.display!(value)));
    expect(new Set(shown)).toEqual(new Set(["estimate", "pmic, estimate"]));
  });

  it("has idle, mean and largest watts side by side", async () => {
    const { names, column } = await run("Idle, mean and max power");
    expect(names).toEqual(["Device", "Model", "Precision", "Idle", "Mean", "Max", "Max, 10 ms", "Power source"]);
    expect(["Idle", "Mean", "Max"].map((name) => column(name)[0])).toEqual([2, 5, 6]);
  });

  it("lists the flagged rows alone, with their flags in words", async () => {
    const { names, column } = await run("Flagged rows");
    expect(names).toEqual(["Device", "Model", "Precision", "Flags"]);
    expect(column("Flags")).toEqual(["quick: 3 windows of 2 s; gc: 1 %"]);
  });

  it("has memory, and what of it is the model's", async () => {
    const { names } = await run("Memory");
    expect(names.slice(3)).toEqual(["File size", "Max memory", "Before the model", "First session", "The model"]);
  });

  it("sends a browser a bounded number of inferences for the histogram", () => {
    const [target] = panelOf("edgewatt-run", "Distribution of latency").targets ?? [];
    expect((target as unknown as { query: string }).query).toContain('sample("latency_ms", 2000)');
  });
});
