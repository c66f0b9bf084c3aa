import path from "node:path";
import { fileURLToPath } from "node:url";
import { readModel, writeModel } from "@edgewatt/onnx";
import { tempDir, type TempDir } from "@edgewatt/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ArtifactCache } from "../../src/artifacts/cache.ts";
import { requireOneFile } from "../../src/models/one-file.ts";
import { QuantizedModels } from "../../src/models/quantized.ts";

const MODEL = fileURLToPath(new URL("../../../models/mobilenetv1-cifar10-p40.onnx", import.meta.url));
const options = { signal: new AbortController().signal, onProgress: () => {} };

let dir: TempDir;
let cache: ArtifactCache;
beforeEach(async () => {
  dir = await tempDir();
  cache = await ArtifactCache.open(path.join(dir.path, "cache"), 1e9);
});
afterEach(() => dir[Symbol.asyncDispose]());

function asked(input: string) {
  const source = { what: "synthetic", seed: 0, mean: undefined, std: undefined };
  return { modelSha256: "m", calibration: "synthetic", request: { input, source, images: 4, recipe: {} } };
}

describe("int8 models on a device", () => {
  it("are taken from the cache, but not those of another version of the quantizer", async () => {
    const models = new QuantizedModels(cache);
    expect((await models.get(asked(MODEL), options)).cached).toBe(false);
    const again = await models.get(asked(MODEL), options);
    expect(again.cached).toBe(true);
    const newer = await new QuantizedModels(cache, 1_000_000).get(asked(MODEL), options);
    expect(newer.cached).toBe(false);
    expect(newer.path).not.toBe(again.path);
  });

  it("are refused before the work where the model is in more files than one", async () => {
    const input = path.join(dir.path, "split.onnx");
    await writeModel(await readModel(MODEL), input, { externalData: true });
    await expect(new QuantizedModels(cache).get(asked(input), options)).rejects.toMatchObject({
      code: "external-data",
      message: expect.stringMatching(
        /^the model keeps weights in other files \(split\.onnx\.data\).*--local/,
      ) as string,
    });
  });

  it("are refused where the model is so large that its int8 form may not fit in one", async () => {
    await expect(requireOneFile(MODEL)).resolves.toBeUndefined();
    await expect(requireOneFile(MODEL, 4_000_000)).rejects.toMatchObject({ code: "model-too-large" });
  });
});
