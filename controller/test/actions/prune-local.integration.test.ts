import { existsSync } from "node:fs";
import { copyFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { describeModel } from "@edgewatt/onnx";
import { type TempDir, tempDir } from "@edgewatt/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runHere } from "../run-app.ts";

// Half a minute of linear algebra, on a machine that others use too.
const TIMEOUT_MS = 600_000;
const MODEL = path.resolve(import.meta.dirname, "../../../models/mobilenetv1-cifar10-p40.onnx");

let dir: TempDir;
beforeAll(async () => {
  dir = await tempDir();
  await copyFile(MODEL, path.join(dir.path, "in.onnx"));
});
afterAll(() => dir[Symbol.asyncDispose]());

const prune = (...args: string[]) => runHere(["prune", ...args], { cwd: dir.path });

describe("edgewatt prune --local", () => {
  it(
    "prints one JSON document, and writes a model of the same inputs and outputs",
    async () => {
      const args = [
        "--local",
        "in.onnx",
        "out.onnx",
        "--fraction",
        "0.5",
        "--calibration",
        "synthetic",
        "--images",
        "32",
      ];
      const { exitCode, stdout, stderr } = await prune(...args, "--json");
      expect(stderr).toBe("");
      expect(exitCode).toBe(0);
      const report = JSON.parse(stdout) as Record<string, unknown>;
      expect(report).toMatchObject({
        in: path.join(dir.path, "in.onnx"),
        out: path.join(dir.path, "out.onnx"),
        fraction: 0.5,
        align: 16,
        by: "error",
        allocate: "uniform",
        params: { before: 1_174_647, after: expect.any(Number) as number },
        calibration: { kind: "synthetic", images: 32 },
        wallS: expect.any(Number) as number,
        peakMemoryMb: expect.any(Number) as number,
      });
      expect(report["channels"]).toContainEqual({ name: "/layers/layers.12/conv2/Conv", before: 614, after: 304 });
      expect(report["left"]).toContainEqual({ name: "/linear/Gemm", reason: 'they are the model\'s output "logits"' });
      const [before, after] = [await describeModel(MODEL), await describeModel(path.join(dir.path, "out.onnx"))];
      expect(after.inputs).toEqual(before.inputs);
      expect(after.outputs).toEqual(before.outputs);
    },
    TIMEOUT_MS,
  );

  it("prints for people what was pruned and what was left", async () => {
    const { exitCode, stdout } = await prune(
      "--local",
      "in.onnx",
      "same.onnx",
      "--fraction",
      "0",
      "--calibration",
      "synthetic",
    );
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/Parameters +1,174,647 to 1,174,647, 0\.0 % fewer/);
    expect(stdout).toMatch(/\/conv1\/Conv +19\n/);
    expect(stdout).toMatch(/\/linear\/Gemm +left: they are the model's output "logits"/);
  });

  it.each<[string, string[], RegExp, number]>([
    ["no fraction", ["in.onnx", "bad.onnx"], /needs --fraction/, 2],
    ["a fraction above 1", ["in.onnx", "bad.onnx", "--fraction", "1.5"], /--fraction.*from 0 to 0\.99/, 2],
    [
      "an alignment that is none",
      ["in.onnx", "bad.onnx", "--fraction", "0.3", "--align", "7"],
      /choices are 16, 8, 1/,
      2,
    ],
    [
      "an allocation that is none",
      ["in.onnx", "bad.onnx", "--fraction", "0.3", "--allocate", "best"],
      /choices are uniform, error/,
      2,
    ],
    ["one file", ["in.onnx", "--fraction", "0.3"], /takes two files/, 2],
    ["its own input as output", ["in.onnx", "in.onnx", "--fraction", "0.3"], /name another file/, 2],
    ["no calibration", ["in.onnx", "bad.onnx", "--fraction", "0.3"], /needs --calibration/, 2],
    [
      "too few images",
      ["in.onnx", "bad.onnx", "--fraction", "0.3", "--calibration", "synthetic", "--images", "5"],
      /gives 5 images, too few/,
      1,
    ],
    [
      "a model that is not there",
      ["none.onnx", "bad.onnx", "--fraction", "0.3", "--calibration", "synthetic"],
      /cannot read model .*none\.onnx/,
      1,
    ],
    [
      "a file that is no model",
      ["text.onnx", "bad.onnx", "--fraction", "0.3", "--calibration", "synthetic"],
      /not an ONNX model/,
      1,
    ],
  ])("refuses %s in one line, and writes nothing", async (_what, args, message, code) => {
    await writeFile(path.join(dir.path, "text.onnx"), "no model");
    const { exitCode, stdout, stderr } = await prune("--local", ...args);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(stdout).toBe("");
    expect(exitCode).toBe(code);
    expect(existsSync(path.join(dir.path, "bad.onnx"))).toBe(false);
  });

  it.each([
    ["--on", "pi-1"],
    ["--name", "half"],
    ["--timeout", "5"],
  ])("refuses %s, which is for devices", async (flag, value) => {
    const { exitCode, stderr } = await prune("--local", "in.onnx", "out.onnx", "--fraction", "0.3", flag, value);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/--on, --timeout and --name are for devices/);
  });
});
