import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { eventually, tempDir } from "@edgewatt/testing";
import { describe, expect, it } from "vitest";
import { edgewatt, edgewattJson, processesOn, startEdgewatt, startUp } from "../edgewatt.ts";

const MODEL = fileURLToPath(new URL("../../models/mobilenetv1-cifar10-p40.onnx", import.meta.url));
const NORMALIZATION = ["--mean", "0.4914,0.4822,0.4465", "--std", "0.247,0.2435,0.2616"];

describe("quantize --local", () => {
  const local = (args: readonly string[]) => ["quantize", "--local", ...args];

  it("writes an int8 model without a broker and prints the fixed document", async () => {
    await using dir = await tempDir();
    const args = local([MODEL, "int8.onnx", "--calibration", "synthetic", "--images", "16", ...NORMALIZATION]);
    const report = await edgewattJson<{ layers: { op: string }[]; wallS: number; peakMemoryMb: number }>(
      { dir: dir.path },
      args,
    );
    const out = path.join(dir.path, "int8.onnx");
    expect(report).toMatchObject({ in: MODEL, out, bytes: { float: 4_773_078, int8: (await stat(out)).size } });
    expect(report).toMatchObject({ nodes: { float: [] }, sqnrDb: expect.any(Number), agreement: expect.any(Number) });
    expect(report.layers.filter(({ op }) => op === "Conv" || op === "Gemm")).toHaveLength(28);
    expect(report.wallS).toBeGreaterThan(0);
    expect(report.peakMemoryMb).toBeGreaterThan(0);
  });

  it("compares on more images with --verify, and says what the other processor would run", async () => {
    await using dir = await tempDir();
    const args = [MODEL, "int8.onnx", "--calibration", "synthetic", "--images", "16", "--format", "u8s8", "--verify"];
    const { code, stdout, stderr } = await edgewatt({ dir: dir.path }, local(args));
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Signal to noise +\d+\.\d dB on 1,000 images held back from calibration$/m);
    expect(stdout).toMatch(/^Agreement +\d+\.\d %$/m);
    const [, here, all] = /^Nodes +(\d+) of (\d+) quantized ones run in int8$/m.exec(stdout) ?? [];
    expect(here).toBe(all);
    expect(stdout).toMatch(new RegExp(`^Nodes as s8s8 +${all} of ${all} quantized ones would run in int8$`, "m"));
    expect(await readdir(dir.path)).toEqual(["int8.onnx"]);
  });

  it.each([
    ["a file that is not ONNX", Buffer.from("no model"), /bad\.onnx.* not an ONNX model/],
    ["one that is not there", undefined, /bad\.onnx.*check the path/],
  ])("refuses %s in one line and writes nothing", async (_what, content, message) => {
    await using dir = await tempDir();
    if (content !== undefined) await writeFile(path.join(dir.path, "bad.onnx"), content);
    const before = await readdir(dir.path);
    const { code, stdout, stderr } = await edgewatt(
      { dir: dir.path },
      local(["bad.onnx", "out.onnx", "--calibration", "synthetic", "--json"]),
    );
    expect(stderr).toMatch(message);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(await readdir(dir.path)).toEqual(before);
  });

  it("refuses calibration data that is not there", async () => {
    await using dir = await tempDir();
    const { code, stderr } = await edgewatt({ dir: dir.path }, local([MODEL, "out.onnx", "--calibration", "nowhere"]));
    expect(stderr).toMatch(/^edgewatt: cannot read calibration data .*nowhere: give a folder of images, .*\n$/);
    expect(code).toBe(1);
  });
});

interface LayersOutput {
  readonly layers: readonly { readonly name: string; readonly timePct: number; readonly energyMj: number | null }[];
  readonly flags: readonly string[];
  readonly files: readonly string[];
}

describe("sensitivity", () => {
  const few = ["--calibration", "synthetic", "--images", "4", "--evaluation-images", "4"];

  it("compares the layers of a file without a broker, and writes table, figure and document", async () => {
    await using dir = await tempDir();
    const args = ["sensitivity", "--local", MODEL, ...few, ...NORMALIZATION];
    const printed = await edgewattJson<LayersOutput>({ dir: dir.path }, args);
    expect(printed).toMatchObject({
      schema: "edgewatt.layers/1",
      device: null,
      model: "mobilenetv1-cifar10-p40",
      evaluation: { kind: "synthetic", images: 4, accuracyPct: null },
      energy: { int8: null, float: null },
    });
    expect(printed.layers).toHaveLength(28);
    expect(printed.layers[0]).toMatchObject({ index: 0, op: "Conv", sqnrDb: expect.any(Number), accuracyDropPt: null });
    expect(printed.flags.join()).toMatch(/energy: --local measures no power/);
    const out = path.join(dir.path, "reports", "layers-mobilenetv1-cifar10-p40");
    expect((await readdir(out)).toSorted()).toEqual([...printed.files].toSorted());
    const { out: where, files: _, ...document } = printed as LayersOutput & { out: string };
    expect(where).toBe(out);
    expect(JSON.parse(await readFile(path.join(out, "layers.json"), "utf8"))).toEqual(document);
    expect(await readFile(path.join(out, "layer-importance.svg"), "utf8")).toContain("layers.12/conv2/Conv");
  });

  it("prints the table for people, and refuses an evaluation set that is not there", async () => {
    await using dir = await tempDir();
    const place = { dir: dir.path };
    const { code, stdout, stderr } = await edgewatt(place, [
      "sensitivity",
      "--local",
      MODEL,
      ...few,
      "--report",
      "out",
    ]);
    expect(stdout).toMatch(/^ *28 +\/linear\/Gemm +Gemm +6,150 /m);
    expect(stderr).toBe(`Report: ${path.join(dir.path, "out", "layers.md")}\n`);
    expect(code).toBe(0);
    const wrong = await edgewatt(place, ["sensitivity", "--local", MODEL, ...few, "--evaluation", "nowhere.bin"]);
    expect(wrong.stderr).toMatch(/^edgewatt: --evaluation nowhere\.bin: no such file or data set; .*\n$/);
    expect(wrong.code).toBe(2);
  });

  it("asks a device, whose watts it apportions by time", { timeout: 300_000 }, async () => {
    await using dir = await tempDir();
    const place = { dir: dir.path };
    const stack = await startUp(place, ["--device", "pi-1"]);
    const windows = ["--windows", "1", "--window-s", "0.5", "--idle-s", "0.2"];
    const printed = await edgewattJson<LayersOutput>(place, ["sensitivity", "p40", ...few, ...windows], 200_000);
    expect(printed).toMatchObject({ device: "pi-1", model: "mobilenetv1-cifar10-p40" });
    expect(printed).toMatchObject({
      energy: { source: expect.any(String), int8: { windows: 1 }, float: { windows: 1 } },
    });
    for (const { energyMj } of printed.layers) expect(energyMj).toBeGreaterThan(0);
    const { jobs } = await edgewattJson<{ jobs: { op: string; state: { state: string } | null }[] }>(place, ["runs"]);
    expect(jobs.map(({ op, state }) => [op, state?.state])).toEqual([["sensitivity", "succeeded"]]);
    await stack.stop();
  });
});

describe("dashboards build", () => {
  it("writes the dashboards to a folder", async () => {
    await using dir = await tempDir();
    const { files } = await edgewattJson<{ files: string[] }>({ dir: dir.path }, [
      "dashboards",
      "build",
      "--out",
      "grafana",
    ]);
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) expect((await stat(path.resolve(dir.path, file))).size).toBeGreaterThan(0);
  });
});

describe("Ctrl-C", () => {
  it("while a file is quantized ends with 130 and leaves no file", async () => {
    await using dir = await tempDir();
    const args = ["quantize", "--local", MODEL, "int8.onnx", "--calibration", "synthetic", "--images", "100000"];
    const running = startEdgewatt({ dir: dir.path }, args);
    // Its native runtime is loaded once the work has begun.
    await eventually(async () => {
      const maps = await readFile(`/proc/${running.child.pid}/maps`, "utf8");
      expect(maps).toMatch(/libonnxruntime/);
    });
    expect(await running.stop("SIGINT")).toEqual({ code: 130, signal: null });
    expect(running.stderr()).toBe("edgewatt: interrupted\n");
    expect(await readdir(dir.path)).toEqual([]);
  });

  it("while a benchmark is followed cancels its job", async () => {
    await using dir = await tempDir();
    const place = { dir: dir.path };
    const stack = await startUp(place, ["--device", "pi-1"]);
    const benchmark = startEdgewatt(place, ["benchmark", "p40", "--window-s", "60", "--precisions", "fp32"]);
    await eventually(async () => {
      const { jobs } = await edgewattJson<{ jobs: { state: { state: string } | null }[] }>(place, ["runs"]);
      expect(jobs[0]?.state?.state).toBe("running");
    });
    expect(await benchmark.stop("SIGINT")).toEqual({ code: 130, signal: null });
    expect(benchmark.stderr()).toMatch(/interrupted: job \w+ on pi-1 was canceled/);
    const { jobs } = await edgewattJson<{ jobs: { state: { state: string } | null }[] }>(place, ["runs"]);
    expect(jobs.map(({ state }) => state?.state)).toEqual(["canceled"]);
    await stack.stop();
    expect(await processesOn(dir.path)).toEqual([]);
  });
});
