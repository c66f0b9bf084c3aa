import { mkdir, readdir, truncate, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { readModel, writeModel } from "@edgewatt/onnx";
import { tempDir, type TempDir } from "@edgewatt/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { buildSeparable } from "../../../packages/pruner/test/networks.ts";
import { JobError } from "../../src/errors.ts";
import { MadeModels } from "../../src/models/made.ts";
import { requireOneFile } from "../../src/models/one-file.ts";
import { PRUNING } from "../../src/models/pruning.ts";
import { QUANTIZING } from "../../src/models/quantizing.ts";

const MODEL = fileURLToPath(new URL("../../../models/mobilenetv1-cifar10-p40.onnx", import.meta.url));
const CREATED_MS = 1_764_000_000_000;
const options = { signal: new AbortController().signal, onProgress: () => {} };
const source = { what: "synthetic", seed: 0, mean: undefined, std: undefined };
const recipe = { fraction: 0.5, align: 1, by: "error", allocate: "uniform" } as const;

let dir: TempDir;
beforeEach(async () => {
  dir = await tempDir();
});
afterEach(() => dir[Symbol.asyncDispose]());

function folder(): string {
  return path.join(dir.path, "made");
}

function open(reserveBytes?: number, limitBytes = 1e9): Promise<MadeModels> {
  const nowMs = () => CREATED_MS;
  return MadeModels.open(folder(), limitBytes, reserveBytes === undefined ? { nowMs } : { nowMs, reserveBytes });
}

const names = { model: "the model", calibration: "the images" };

function toQuantize(input: string) {
  return { names, modelSha256: "m", calibration: "synthetic", request: { input, source, images: 4, recipe: {} } };
}

async function toPrune(over: { readonly by?: "l1"; readonly fraction?: number } = {}) {
  const input = path.join(dir.path, "small.onnx");
  await writeModel(buildSeparable(), input);
  const request = { input, source, images: 40, recipe: { ...recipe, ...over } };
  return { names, modelSha256: "s", calibration: "synthetic", request };
}

describe("models made on a device", () => {
  it("are taken from the cache, but not those of another version of what makes them", async () => {
    const models = await open();
    expect((await models.get(QUANTIZING, toQuantize(MODEL), options)).cached).toBe(false);
    const again = await models.get(QUANTIZING, toQuantize(MODEL), options);
    expect(again).toMatchObject({ cached: true, created: new Date(CREATED_MS).toISOString() });
    const newer = await models.get({ ...QUANTIZING, version: 1_000_000 }, toQuantize(MODEL), options);
    expect(newer.cached).toBe(false);
    expect(newer.path).not.toBe(again.path);
  });

  it("are kept apart by what was asked for, not by where files were", async () => {
    const models = await open();
    const asked = await toPrune();
    const first = await models.get(PRUNING, asked, options);
    expect(first.report.params.after).toBeLessThan(first.report.params.before);
    const moved = { ...asked, request: { ...asked.request, input: "/elsewhere.onnx" } };
    expect(await models.get(PRUNING, moved, options)).toEqual({ ...first, cached: true });
    const other = await models.get(PRUNING, await toPrune({ by: "l1" }), options);
    expect(other.cached).toBe(false);
    expect(other.path).not.toBe(first.path);
  });

  it("leave nothing behind when they are canceled or fail, or were when the process before was killed", async () => {
    await mkdir(path.join(folder(), "0abc.work-killed"), { recursive: true });
    await writeFile(path.join(folder(), "0abc.work-killed", "model.onnx"), "half");
    const models = await open();
    const asked = await toPrune();
    const abort = new AbortController();
    const canceled = models.get(PRUNING, asked, {
      signal: abort.signal,
      onProgress: ({ step }) => {
        if (step === "choose") abort.abort(new JobError("canceled by test", { code: "canceled" }));
      },
    });
    await expect(canceled).rejects.toMatchObject({ code: "canceled" });
    const few = { ...asked, request: { ...asked.request, images: 8 } };
    await expect(models.get(PRUNING, few, options)).rejects.toMatchObject({
      code: "data-too-few",
      message: expect.stringMatching(/too few to repair the model from/) as string,
    });
    expect(await readdir(folder())).toEqual([]);
  });

  it("are made anew where the record of one is damaged, or its file", async () => {
    const models = await open();
    const asked = await toPrune();
    const first = await models.get(PRUNING, asked, options);
    const { wallS: _a, peakMemoryMb: _b, ...report } = first.report;
    const made = { cached: false, sha256: first.sha256, report };
    await writeFile(`${first.path}.json`, '{"sha256":');
    expect(await models.get(PRUNING, asked, options)).toMatchObject(made);
    await truncate(first.path, 100);
    expect(await models.get(PRUNING, asked, options)).toMatchObject(made);
  });

  it("make room for others with all that belongs to them, but not those that a job still needs", async () => {
    const models = await open(undefined, 1);
    const first = await models.get(PRUNING, await toPrune(), options);
    const second = await models.get(PRUNING, await toPrune({ by: "l1" }), { ...options, keep: [first.path] });
    const both = [first, second].map((made) => path.basename(made.path));
    expect((await readdir(folder())).sort()).toEqual(both.flatMap((name) => [name, `${name}.json`]).sort());
    const third = await models.get(PRUNING, await toPrune({ fraction: 0.25 }), options);
    const name = path.basename(third.path);
    expect((await readdir(folder())).sort()).toEqual([name, `${name}.json`]);
  });

  it("are not made where they would use up the reserve of the disk", async () => {
    const models = await open(Number.MAX_SAFE_INTEGER);
    await expect(models.get(PRUNING, await toPrune(), options)).rejects.toMatchObject({
      code: "disk-low",
      message: expect.stringMatching(/^no room for another model: .*free space there$/) as string,
    });
    expect(await readdir(folder())).toEqual([]);
  });

  it("are refused before the work where the model is in more files than one", async () => {
    const input = path.join(dir.path, "split.onnx");
    await writeModel(await readModel(MODEL), input, { externalData: true });
    const models = await open();
    await expect(models.get(QUANTIZING, toQuantize(input), options)).rejects.toMatchObject({
      code: "external-data",
      message: expect.stringMatching(
        /^the model keeps weights in other files \(split\.onnx\.data\).*quantize --local/,
      ) as string,
    });
    const asked = { ...(await toPrune()), request: { input, source, images: 40, recipe } };
    await expect(models.get(PRUNING, asked, options)).rejects.toMatchObject({
      code: "external-data",
      message: expect.stringMatching(/prune --local/) as string,
    });
  });

  it("are refused where the model is so large that what is made of it may not fit in one", async () => {
    await expect(requireOneFile(MODEL, "quantize")).resolves.toBeUndefined();
    await expect(requireOneFile(MODEL, "quantize", 4_000_000)).rejects.toMatchObject({ code: "model-too-large" });
  });
});
