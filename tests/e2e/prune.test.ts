import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import type { PruneReport } from "@edgewatt/protocol";
import type { Model } from "@edgewatt/registry";
import { eventually, type SpawnedService, type TempDir, tempDir } from "@edgewatt/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { edgewatt, edgewattJson, type Place, startEdgewatt, startUp } from "../edgewatt.ts";

const NAME = "mobilenetv1-cifar10-p40-pruned-50-align16";
const FEW = ["--calibration", "synthetic", "--images", "40"];
const LIMIT_MS = 300_000;

type Pruned = PruneReport & { in: string; out: string; name: string; sha256: string; device: string; cached: boolean };
interface Runs {
  readonly jobs: readonly { readonly op: string; readonly state: { readonly state: string } | null }[];
}

describe("prune on a device", { timeout: LIMIT_MS }, () => {
  let dir: TempDir;
  let place: Place;
  let stack: SpawnedService;

  beforeAll(async () => {
    dir = await tempDir();
    place = { dir: dir.path };
    stack = await startUp(place, ["--device", "pi-1"]);
  });
  afterAll(async () => {
    await stack?.stop();
    await dir?.[Symbol.asyncDispose]();
  });

  async function added(): Promise<readonly string[]> {
    const { models } = await edgewattJson<{ models: Model[] }>(place, ["models"]);
    return models.filter(({ origin }) => origin === "added").map(({ name }) => name);
  }

  it("prints the document of the local form, and adds the model to the registry with where it comes from", async () => {
    const args = ["prune", "p40", "--fraction", "0.5", ...FEW];
    const done = await edgewattJson<Pruned & { results: Pruned[] }>(place, args, LIMIT_MS);
    expect(done).toMatchObject({
      in: "mobilenetv1-cifar10-p40",
      fraction: 0.5,
      align: 16,
      by: "error",
      params: { before: 1_174_647 },
      calibration: { kind: "synthetic", images: 40 },
      name: NAME,
      device: "pi-1",
      cached: false,
    });
    expect(done.params.after).toBeLessThan(done.params.before);
    expect(done.channels.length).toBeGreaterThan(20);
    expect(done.results).toEqual([expect.objectContaining({ name: NAME, out: done.out })]);
    const file = await readFile(done.out);
    expect(createHash("sha256").update(file).digest("hex")).toBe(done.sha256);
    expect(file.byteLength).toBe(done.bytes.after);

    const model = await edgewattJson<Model>(place, ["models", "show", NAME]);
    expect(model).toMatchObject({
      params: done.params.after,
      pruning: 0.7,
      fineTuneEpochs: 0,
      sha256: done.sha256,
      origin: "added",
      lineage: [{ op: "prune", from: { name: "mobilenetv1-cifar10-p40" }, fraction: 0.5, device: "pi-1" }],
    });
    expect(model.labels).toHaveLength(10);
    expect(model.input.mean).toEqual([0.4914, 0.4822, 0.4465]);
    expect(model.accuracy).toBeUndefined();
    const { stdout } = await edgewatt(place, ["models", "show", NAME]);
    expect(stdout).toMatch(/Pruning +0\.7; fine-tuned for 0 epochs/);
    expect(stdout).toMatch(/Made from +mobilenetv1-cifar10-p40 \([0-9a-f]{12}\)/);
    expect(stdout).toMatch(/pruned +50 % of the channels, in multiples of 16, chosen by error, shared out evenly/);
    expect(stdout).toMatch(/calibration +40 images \(synthetic\)/);
    expect(stdout).toMatch(/by +pruner \d+, \S+Z, pi-1/);
  });

  it("answers the same again from the device's cache, under another name where one is given", async () => {
    const args = ["prune", "p40", "--fraction", "0.5", ...FEW, "--name", "half"];
    const { code, stdout, stderr } = await edgewatt(place, args);
    expect(stderr).toBe("half is in the registry: edgewatt benchmark half\n");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^half +on pi-1 \(from its cache\)$/m);
    expect(stdout).toMatch(/^Parameters +1,174,647 to [\d,]+, \d+\.\d % fewer$/m);
    expect(await added()).toEqual([NAME, "half"]);
  });

  it("takes several models, of which one was pruned before, and a benchmark knows what became of it", async () => {
    const args = ["prune", "p40", "half", "--fraction", "0.25", "--align", "8", "--by", "l1", ...FEW];
    const { results } = await edgewattJson<{ results: Pruned[] }>(place, args, LIMIT_MS);
    const [, twice = ""] = results.map(({ name }) => name);
    expect(results.map(({ name }) => name)).toEqual([
      "mobilenetv1-cifar10-p40-pruned-25-align8-l1",
      "half-pruned-25-align8-l1",
    ]);
    const { lineage } = await edgewattJson<Model>(place, ["models", "show", twice]);
    expect(lineage?.map(({ from }) => from.name)).toEqual(["mobilenetv1-cifar10-p40", "half"]);
    const short = "--quick --windows 1 --window-s 0.3 --idle-s 0.2 --threads 1 --precisions fp32 --accuracy 0";
    const { rows } = await edgewattJson<{ rows: unknown[] }>(place, ["benchmark", twice, ...short.split(" ")]);
    expect(rows).toMatchObject([
      { model: twice, pruning: 0.775, fineTuneEpochs: 0, params: results[1]?.params.after, precision: "fp32" },
    ]);
  });

  it.each([
    [
      "a name of the zoo",
      ["--fraction", "0.5", ...FEW, "--name", "mobilenetv1-cifar10-p00"],
      2,
      /is a model of the zoo/,
    ],
    ["the name of the model itself", ["--fraction", "0.5", ...FEW, "--name", "mobilenetv1-cifar10-p40"], 2, /itself/],
    ["no images to repair it from", ["--fraction", "0.5"], 2, /no calibration images are known .*--calibration/],
    ["a folder of images", ["--fraction", "0.5", "--calibration", "."], 2, /no such file or data set/],
    ["a device that is not there", ["--fraction", "0.5", ...FEW, "--on", "pi-9"], 3, /no device pi-9/],
    [
      "too few images",
      ["--fraction", "0.5", "--calibration", "synthetic", "--images", "8"],
      1,
      /prune job \w+ on pi-1 failed: .*gives 8 images, too few .*\(data-too-few\)/,
    ],
  ])("refuses %s in one line, and changes nothing", async (_what, args, exitCode, message) => {
    const before = await added();
    const { code, stdout, stderr } = await edgewatt(place, ["prune", "p40", ...args, "--json"]);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect({ code, stdout }).toEqual({ code: exitCode, stdout: "" });
    expect(await added()).toEqual(before);
  });

  it("cancels its job at Ctrl-C, and keeps nothing", async () => {
    const before = await readdir(path.join(dir.path, "models"));
    const args = ["prune", "p40", "--fraction", "0.3", "--calibration", "synthetic", "--images", "20000"];
    const running = startEdgewatt(place, args);
    await eventually(async () => {
      const { jobs } = await edgewattJson<Runs>(place, ["runs"]);
      expect(jobs[0]).toMatchObject({ op: "prune", state: { state: "running" } });
    });
    expect(await running.stop("SIGINT")).toEqual({ code: 130, signal: null });
    expect(running.stderr()).toMatch(/interrupted: job \w+ on pi-1 was canceled/);
    const { jobs } = await edgewattJson<Runs>(place, ["runs"]);
    expect(jobs[0]?.state?.state).toBe("canceled");
    expect(await readdir(path.join(dir.path, "models"))).toEqual(before);
  });
});
