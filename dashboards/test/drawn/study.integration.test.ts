import assert from "node:assert/strict";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requireSystem } from "@edgewatt/testing";
import { fillDatabase, type FilledDatabase } from "../replay/filled-database.ts";
import { drawn, panelOf, type Drawn } from "./drawn.ts";
import { ESTIMATED, jobOf, METERED, OLDER_JOB, ROWS, studyTelemetry } from "./study-telemetry.ts";
import { formattedValueToString, type Splitting } from "./transformers.ts";

const influxd = requireSystem("influxd");
let database: FilledDatabase | undefined;

beforeAll(async () => {
  if (influxd.skip) return;
  database = await fillDatabase({ devices: [METERED, ESTIMATED], telemetry: studyTelemetry });
});

afterAll(async () => database?.[Symbol.asyncDispose]());

function study(title: string, chosen: Record<string, string | string[]> = {}, splitting?: Splitting): Promise<Drawn> {
  assert(database);
  return drawn(database, { uid: "edgewatt-study", title, chosen, ...(splitting === undefined ? {} : { splitting }) });
}

const byDevice = [METERED, ESTIMATED].toSorted();

/** The points of a series as text, in the order of x: where a row belongs to another series there is nothing. */
function points({ column }: Drawn, x: string, series: string): string[] {
  const ys = column(series);
  return column(x).flatMap((value, row) => (ys[row] === undefined ? [] : [`${value} ${ys[row]}`]));
}

const isNumeric = (type: string): boolean => type === "number";

describe.skipIf(influxd.skip)("Study, drawn by Grafana's own transformers", () => {
  it("has the fixed columns of the results table in their order, with units, then what explains them", async () => {
    const { names, field, frame } = await study("Results");
    expect(names).toEqual([
      "Device",
      "Model",
      "Pruning fraction",
      "Fine-tuning epochs",
      "#params",
      "Precision",
      "File size",
      "Max memory",
      "Average latency per image",
      "p50",
      "p95",
      "p99",
      "Max power",
      "Average energy per image, gross",
      "± gross (95 %)",
      "Average energy per image, net",
      "± net (95 %)",
      "Test accuracy",
      "Flags",
      "Power source",
      "± latency (95 %)",
      "Max power, 10 ms",
      "Memory of the model",
      "± gross, meter",
      "± net, meter",
      "Run",
      "Time",
    ]);
    const row = field("Run").values.indexOf(`${jobOf(METERED)}/0`);
    const shown = (name: string) => formattedValueToString(field(name).display!(field(name).values[row]));
    expect(frame.length).toBe(2 * ROWS.length);
    expect(["File size", "Max memory", "p95", "Max power", "± net (95 %)", "Test accuracy"].map(shown)).toEqual([
      "3.40 MB",
      "100 MB",
      "13 ms",
      "6 W",
      "1 mJ",
      "89%",
    ]);
    expect(shown("Flags")).toBe("quick: 3 windows of 2 s; gc: 1 %");
  });

  it("calls every source without a meter an estimate", async () => {
    const { field, column } = await study("Results", { device: ESTIMATED });
    const source = field("Power source");
    expect(new Set(column("Power source").map((value) => formattedValueToString(source.display!(value))))).toEqual(
      new Set(["estimate", "pmic, estimate"]),
    );
  });

  it("leads from a row to its run, in the resolution that it was found in", async () => {
    const links = (await study("Results")).field("Run").config.links ?? [];
    expect(links.map(({ url }) => url)).toEqual([
      "/d/edgewatt-run?time=${__data.fields.Time.numeric}&time.window=14400000&${datasource:queryparam}&${resolution:queryparam}&var-device=${__data.fields.device}&var-model=${__data.fields.model}",
    ]);
  });

  it("shows the newest run of a row, or the chosen one", async () => {
    const { column } = await study("Results", { device: METERED });
    expect(new Set(column("Run"))).toEqual(new Set(ROWS.map((_, index) => `${jobOf(METERED)}/${index}`)));
    const older = await study("Results", { run: [OLDER_JOB] });
    expect([older.column("Run"), older.column("Test accuracy")]).toEqual([[`${OLDER_JOB}/0`], [99]]);
  });

  describe.each(["before 12.2", "from 12.2"] as const)("with the names that Grafana gives %s", (splitting) => {
    it("has a series per precision and device against pruning, in the order of pruning", async () => {
      const figure = await study("Latency against pruning", {}, splitting);
      const series = byDevice.flatMap((device) => [`fp32·${device}`, `int8·${device}`]);
      const numbers = figure.frame.fields.flatMap(({ type }, index) =>
        isNumeric(type) ? [figure.names[index] ?? ""] : [],
      );
      expect(numbers.toSorted()).toEqual(["Share of the channels pruned", ...series].toSorted());
      for (const device of byDevice) {
        expect(points(figure, "Share of the channels pruned", `fp32·${device}`)).toEqual(["0 12", "0.2 10", "0.4 8"]);
        expect(points(figure, "Share of the channels pruned", `int8·${device}`)).toEqual(["0 6", "0.2 4", "0.4 2"]);
      }
    });

    it("leaves out a row that has no accuracy", async () => {
      const figure = await study("Accuracy against pruning", {}, splitting);
      expect(points(figure, "Share of the channels pruned", `fp32·${METERED}`)).toEqual(["0 89", "0.2 88"]);
    });

    it("names the power source in the series of a figure of energy, and an estimate by that word", async () => {
      const figure = await study("Net energy against pruning", {}, splitting);
      const x = "Share of the channels pruned";
      expect(points(figure, x, `int8·${METERED}·ina226`)).toEqual(["0 15", "0.2 10", "0.4 5"]);
      expect(points(figure, x, `fp32·${ESTIMATED}·estimate`)).toEqual(["0 30", "0.2 25"]);
      expect(points(figure, x, `fp32·${ESTIMATED}·pmic·estimate`)).toEqual(["0.4 20"]);
    });

    it("draws the front of each device through the rows that no other beats", async () => {
      const figure = await study("Accuracy against energy", {}, splitting);
      for (const device of byDevice) {
        expect(points(figure, "All energy of the window per image", `front·${device}`)).toEqual([
          "10 85",
          "20 88",
          "60 89",
        ]);
      }
      expect(points(figure, "All energy of the window per image", `fp32·${METERED}·ina226`)).toEqual([
        "50 88",
        "60 89",
      ]);
    });

    it("draws a front of what is chosen only", async () => {
      const figure = await study("Accuracy against energy", { device: METERED, precision: ["fp32"] }, splitting);
      expect(points(figure, "All energy of the window per image", `front·${METERED}`)).toEqual(["50 88", "60 89"]);
    });
  });

  it("draws a front of the one row that there is", async () => {
    const figure = await study("Accuracy against energy", { run: [OLDER_JOB] });
    expect(points(figure, "All energy of the window per image", `front·${METERED}`)).toEqual(["1 99"]);
  });

  it("draws accuracy against the parameters of the float model", async () => {
    const figure = await study("Accuracy against #params", { device: METERED });
    const x = "Parameters of the float model before folding";
    expect(points(figure, x, `int8·${METERED}`)).toEqual(["1930336 85", "2573781 88", "3217226 87.5"]);
  });

  it("gives a scatter no column of numbers beside x and the series, in the form that Grafana 10 to 13 read", async () => {
    for (const title of ["Latency against pruning", "Gross energy against pruning", "Accuracy against energy"]) {
      const { options } = panelOf("edgewatt-study", title);
      expect(options).toMatchObject({ seriesMapping: "auto", series: [], dims: { frame: 0, exclude: [] } });
      expect(options).not.toHaveProperty("mapping");
      const { frame, names } = await study(title);
      const numbers = frame.fields.flatMap(({ type }, index) => (isNumeric(type) ? [names[index] ?? ""] : []));
      expect(numbers.filter((name) => !name.includes("·"))).toHaveLength(1);
    }
  });

  it("compares fp32 with int8 row by row", async () => {
    const { names, column } = await study("Latency, fp32 and int8", { device: METERED });
    expect(names).toEqual(["Device", "Model", "Pruning fraction", "fp32", "int8", "Speed-up"]);
    expect(column("Pruning fraction").map((value, row) => `${value} ${column("Speed-up")[row]}`)).toEqual([
      "0 2",
      "0.2 2.5",
      "0.4 4",
    ]);
  });

  it("compares accuracy only where both were measured", async () => {
    const { column } = await study("Accuracy, fp32 and int8", { device: METERED });
    expect([column("Model"), column("int8 − fp32")]).toEqual([
      ["net-p00", "net-p20"],
      [-1.5, 0],
    ]);
  });

  it("compares no estimate with an estimate of another kind", async () => {
    const { column } = await study("Energy, fp32 and int8", { device: ESTIMATED });
    expect([column("Model"), column("int8 ÷ fp32")]).toEqual([
      ["net-p00", "net-p20"],
      [0.5, 0.4],
    ]);
  });

  it("compares both precisions whichever is chosen", async () => {
    const { frame } = await study("Latency, fp32 and int8", { device: METERED, precision: ["int8"] });
    expect(frame.length).toBe(3);
  });

  it("has the layers as int8 in the order of the model", async () => {
    const { names, column } = await study("Layers: time, energy and weights");
    expect(names).toEqual(["Layer", "Time", "Energy, apportioned by time", "Weights"]);
    expect([column("Layer"), column("Time"), column("Weights")]).toEqual([
      ["stem", "body", "head"],
      [20, 21, 22],
      [10, 20, 30],
    ]);
    expect((await study("Layers: accuracy drop")).column("Accuracy drop")).toEqual([0, 0.1, 0.2]);
  });

  it("has a table of the layers in both precisions", async () => {
    const { names, column } = await study("Layers");
    expect(names.slice(0, 5)).toEqual(["Device", "Model", "Precision", "#", "Layer"]);
    expect(column("Layer")).toEqual(["stem", "stem", "body", "body", "head", "head"]);
    const bySqnr = column("Precision").map((precision, row) => `${precision} ${column("SQNR")[row]}`);
    expect(new Set(bySqnr)).toEqual(new Set(["fp32 null", "int8 40", "int8 39", "int8 38"]));
  });
});
