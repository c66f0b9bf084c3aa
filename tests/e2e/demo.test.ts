import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { type Results, resultsSchema } from "@edgewatt/protocol";
import { eventually, queryInflux, requireSystem, tempDir } from "@edgewatt/testing";
import { describe, expect, it } from "vitest";
import { DATASETS, edgewatt, processesOn, startEdgewatt, startUp } from "../edgewatt.ts";

const SHORT = ["demo", "--quick", "--windows", "1", "--window-s", "0.3", "--models", "p40"];
const REPORT_FILES = [
  "accuracy-vs-params.svg",
  "accuracy-vs-pruning.svg",
  "energy-vs-pruning.svg",
  "latency-vs-pruning.svg",
  "pareto.svg",
  "report.md",
  "results.csv",
  "results.json",
];
const DEMO_TIMEOUT_MS = 200_000;
/** The stack that a test starts afterwards comes on top. */
const TEST_TIMEOUT_MS = 300_000;

describe("the demo", () => {
  it(
    "measures fp32 and int8, writes the report, and leaves its telemetry for the next `up`",
    async () => {
      await using dir = await tempDir();
      const place = { dir: dir.path };
      const { code, stdout, stderr } = await edgewatt(place, [...SHORT, "--json"], DEMO_TIMEOUT_MS);
      expect(stderr).toMatch(
        /^Measuring 2 rows \(1 model, fp32 and int8\) takes about a minute; .*\nAccuracy stays blank: cifar10 is not here/,
      );
      expect(code).toBe(0);
      expect(await processesOn(dir.path)).toEqual([]);

      const results: Results = resultsSchema.parse(JSON.parse(stdout));
      expect(results.rows.map(({ model, precision, params }) => [model, precision, params])).toEqual([
        ["mobilenetv1-cifar10-p40", "fp32", 1_174_647],
        ["mobilenetv1-cifar10-p40", "int8", 1_174_647],
      ]);
      for (const row of results.rows) {
        expect(row.accuracyPct).toBeNull();
        expect(row.flags.join()).toMatch(/accuracy/);
        const { meanPowerW, imageMs, energyMj } = row;
        const gross = (meanPowerW ?? Number.NaN) * (imageMs ?? Number.NaN);
        expect(Math.abs((energyMj.gross ?? 0) / gross - 1)).toBeLessThan(0.005);
      }
      expect(results.method).toMatchObject({
        quick: true,
        windows: 1,
        accuracyImages: 0,
        calibration: { kind: "synthetic" },
      });

      const report = path.join(dir.path, "reports", "latest");
      expect((await readdir(report)).sort()).toEqual(REPORT_FILES);
      expect(JSON.parse(await readFile(path.join(report, "results.json"), "utf8")).rows).toEqual(results.rows);

      if (requireSystem("influxd").skip) return;
      const stack = await startUp(place);
      const [run] = results.rows.map((row) => row.run);
      const influx = stack.ready["influx"] as string;
      expect(await queryInflux(influx, "select latency_ms, precision from run_summary")).toHaveLength(2);
      expect((await queryInflux(influx, `select watts from power where run = '${run}'`)).length).toBeGreaterThan(0);
      expect(
        (await queryInflux(influx, `select latency_ms from inference where run = '${run}'`)).length,
      ).toBeGreaterThan(9);
      expect((await queryInflux(influx, "select cpu_pct from system")).length).toBeGreaterThan(0);
      expect((await queryInflux(influx, "select title from run_event")).length).toBeGreaterThanOrEqual(2);
      expect(await queryInflux(influx, "select lost from gap")).toEqual([]);
      await stack.stop();
    },
    TEST_TIMEOUT_MS,
  );

  it.skipIf(DATASETS === undefined)(
    "measures accuracy where there is a data set: int8 is within a point of float",
    async () => {
      await using dir = await tempDir();
      const place = { dir: dir.path, env: { EDGEWATT_DATASETS: DATASETS } };
      const { code, stdout, stderr } = await edgewatt(place, [...SHORT, "--accuracy", "2000"], DEMO_TIMEOUT_MS);
      expect(code).toBe(0);
      expect(stdout).toMatch(/mobilenetv1-cifar10-p40.*int8/);
      expect(stderr).toMatch(/Report: .*report\.md/);
      const file = path.join(dir.path, "reports", "latest", "results.json");
      const { rows, method } = resultsSchema.parse(JSON.parse(await readFile(file, "utf8")));
      expect(method).toMatchObject({ accuracyImages: 2000, calibration: { kind: "cifar", images: 256 } });
      const [float = 0, int8 = 0] = rows.map(({ accuracyPct }) => accuracyPct ?? 0);
      expect(float).toBeGreaterThan(80);
      expect(Math.abs(float - int8)).toBeLessThanOrEqual(1);
    },
    TEST_TIMEOUT_MS,
  );

  it(
    "prints what it measured even when the report cannot be written",
    async () => {
      await using dir = await tempDir();
      await writeFile(path.join(dir.path, "a-file"), "");
      const args = [...SHORT, "--report", path.join("a-file", "report")];
      const { code, stdout, stderr } = await edgewatt({ dir: dir.path }, args, DEMO_TIMEOUT_MS);
      expect(stderr).toMatch(/edgewatt: cannot write the report to .*\(ENOTDIR.*\n$/);
      expect(stdout).toMatch(/mobilenetv1-cifar10-p40.*int8/);
      expect(code).toBe(1);
    },
    TEST_TIMEOUT_MS,
  );

  it("ends at Ctrl-C with 130 and leaves nothing running", async () => {
    await using dir = await tempDir();
    const place = { dir: dir.path };
    const running = startEdgewatt(place, ["demo", "--quick", "--models", "p00"]);
    await eventually(async () => {
      const lines = (await processesOn(dir.path)).map(({ commandLine }) => commandLine);
      expect(lines.some((line) => line.includes("runner"))).toBe(true);
    });
    expect(await running.stop("SIGINT")).toEqual({ code: 130, signal: null });
    expect(running.stderr()).toMatch(/edgewatt: interrupted: job \w+ on .* was canceled\n$/);
    await eventually(async () => expect(await processesOn(dir.path)).toEqual([]));
    await expect(readdir(path.join(dir.path, "reports"))).rejects.toThrow(/ENOENT/);
  });
});
