import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { writeModel } from "@edgewatt/onnx";
import { type Results, resultsSchema } from "@edgewatt/protocol";
import { eventually, type TempDir, tempDir } from "@edgewatt/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildResNet } from "../../packages/pruner/test/networks.ts";
import { edgewatt, edgewattJson, processesOn, startEdgewatt } from "../edgewatt.ts";

const STUDY_TIMEOUT_MS = 600_000;
const TEST_TIMEOUT_MS = 700_000;
/** The shortest windows that a ratio can be made of. */
const SHORT = ["--quick", "--windows", "3", "--window-s", "0.2", "--idle-s", "0.1"];
const CUT = ["--calibration", "synthetic", "--images", "64"];

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

let dir: TempDir;
beforeAll(async () => {
  dir = await tempDir();
  await writeModel(buildResNet(), path.join(dir.path, "resnet.onnx"));
});
afterAll(() => dir[Symbol.asyncDispose]());

describe("edgewatt study", () => {
  it(
    "prunes, quantizes and measures a file without a stack, and writes a report that says what it found",
    async () => {
      const place = { dir: dir.path };
      const args = ["study", "resnet.onnx", "--fractions", "0,0.4", "--align", "1,16", ...CUT, ...SHORT];
      const printed = await edgewattJson<Results & { report: string }>(place, args, STUDY_TIMEOUT_MS);
      const results = resultsSchema.parse(printed);
      expect(results.rows.map(({ model, precision, pruning }) => [model, precision, pruning])).toEqual([
        ["resnet", "fp32", 0],
        ["resnet", "int8", 0],
        ["resnet-pruned-40-align1", "fp32", 0.4],
        ["resnet-pruned-40-align1", "int8", 0.4],
        ["resnet-pruned-40-align16", "fp32", 0.4],
        ["resnet-pruned-40-align16", "int8", 0.4],
      ]);
      expect(results.study).toMatchObject({ model: "resnet", repair: { kind: "synthetic", images: 64 }, failed: [] });
      expect(results.study?.variants.map(({ align, cached }) => [align, cached])).toEqual([
        [16, false],
        [1, false],
      ]);
      for (const { model, channels, lineage, params } of results.rows) {
        const exact = model.endsWith("align1");
        expect(channels?.offLayers).toBeGreaterThanOrEqual(exact ? 1 : 0);
        if (!exact) expect(channels?.off).toEqual([]);
        expect(lineage?.map(({ op, from }) => [op, from.name])).toEqual(
          model === "resnet" ? undefined : [["prune", "resnet"]],
        );
        expect(params).toBeGreaterThan(0);
      }
      const pairs = results.comparisons?.map(
        ({ numerator, denominator }) => `${numerator.model} / ${denominator.model}`,
      );
      expect(pairs).toContain("resnet-pruned-40-align1 / resnet-pruned-40-align16");

      expect(printed.report).toBe(path.join(dir.path, "reports", "study-resnet"));
      expect((await readdir(printed.report)).sort()).toEqual(REPORT_FILES);
      const text = await readFile(path.join(printed.report, "report.md"), "utf8");
      expect(text).toMatch(/^# Pruning study of resnet\n/);
      expect(text).toMatch(/At 0\.4 in exact counts, all \d+ Convs miss that, with 9 \(/);
      expect(text).toContain("repaired in closed form from 64 synthetic images");
      expect(await processesOn(dir.path)).toEqual([]);
    },
    TEST_TIMEOUT_MS,
  );

  it(
    "takes what was pruned and quantized before from the device, and shows the layers where they are asked for",
    async () => {
      const args = [
        "study",
        "resnet.onnx",
        "--fractions",
        "0,0.4",
        "--precisions",
        "int8",
        ...CUT,
        ...SHORT,
        "--sensitivity",
        "--out",
        "again",
      ];
      const { code, stdout, stderr } = await edgewatt({ dir: dir.path }, args, STUDY_TIMEOUT_MS);
      expect(stderr).toMatch(/^No stack runs here, .*\nPruning 1 model takes about/);
      expect(stderr).toMatch(/warning: repaired from synthetic images/);
      expect(stdout).toMatch(/^What was done\. resnet lost 40 % of its channels, rounded to multiples of 16/m);
      expect(code).toBe(0);
      const again = path.join(dir.path, "again");
      const written = resultsSchema.parse(JSON.parse(await readFile(path.join(again, "results.json"), "utf8")));
      expect(written.study?.variants).toMatchObject([{ align: 16, cached: true }]);
      const layers = ["layer-importance.svg", "layers.csv", "layers.json", "layers.md"];
      expect((await readdir(again)).sort()).toEqual([...REPORT_FILES, ...layers].sort());
      expect(await readFile(path.join(again, "report.md"), "utf8")).toContain("(layer-importance.svg)");
    },
    TEST_TIMEOUT_MS,
  );

  it(
    "ends at Ctrl-C with 130, having canceled its job, and leaves nothing running and no report",
    async () => {
      await using own = await tempDir();
      await writeModel(buildResNet(2), path.join(own.path, "resnet.onnx"));
      const running = startEdgewatt({ dir: own.path }, ["study", "resnet.onnx", ...CUT, "--quick"]);
      await eventually(async () => {
        const lines = (await processesOn(own.path)).map(({ commandLine }) => commandLine);
        expect(lines.some((line) => line.includes("models/child"))).toBe(true);
      });
      expect(await running.stop("SIGINT")).toEqual({ code: 130, signal: null });
      expect(running.stderr()).toMatch(/edgewatt: interrupted: job \w+ on .* was canceled\n$/);
      await eventually(async () => expect(await processesOn(own.path)).toEqual([]));
      await expect(readdir(path.join(own.path, "reports"))).rejects.toThrow(/ENOENT/);
    },
    TEST_TIMEOUT_MS,
  );
});
