import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { runCommand, tempDir } from "@edgewatt/testing";
import { describe, expect, it } from "vitest";
import { artifactFacts, filesOf } from "../src/artifact.ts";
import type { ModelEntry } from "../src/manifest.ts";
import { addToRegistry, findModel, findModels, readRegistry } from "../src/registry.ts";

const PARAMS = [3_217_226, 2_902_069, 2_606_173, 2_066_884, 1_588_917, 1_174_647];

describe("the zoo", () => {
  it("holds the six models of the study, with the bytes that its manifest names", async () => {
    await using dir = await tempDir();
    const models = await readRegistry(dir.path);
    expect(models.map(({ params }) => params)).toEqual(PARAMS);
    for (const model of models) {
      const content = await readFile(model.path);
      expect(content.byteLength).toBe(model.bytes);
      expect(createHash("sha256").update(content).digest("hex")).toBe(model.sha256);
    }
  });

  it("is found by full name and by the end of a name", async () => {
    await using dir = await tempDir();
    const models = await readRegistry(dir.path);
    expect(findModel(models, "p05").name).toBe("mobilenetv1-cifar10-p05");
    expect(findModel(models, "mobilenetv1-cifar10-p05").pruning).toBe(0.05);
    expect(findModels(models, ["p05", "p00", "p05"]).map(({ name }) => name)).toEqual([
      "mobilenetv1-cifar10-p05",
      "mobilenetv1-cifar10-p00",
    ]);
    expect(() => findModel(models, "05")).toThrow(/no model 05/);
  });

  it("refuses an ending that several models share", async () => {
    await using dir = await tempDir();
    const twins = await readRegistry(dir.path);
    for (const twin of twins.slice(0, 2)) twin.name += "-x";
    expect(() => findModel(twins, "x")).toThrow(/x names several models: mobilenetv1-cifar10-p00-x, /);
  });
});

const STEP = {
  op: "prune",
  from: { name: "mobilenetv1-cifar10-p00", sha256: "a".repeat(64) },
  fraction: 0.3,
  align: 16,
  by: "error",
  allocate: "uniform",
  calibration: { kind: "cifar", images: 1000, sha256: "b".repeat(64) },
  version: 1,
  created: "2026-11-26T08:00:00.000Z",
  device: "pi-1",
} as const;

function entry(name: string, over: Partial<ModelEntry> = {}) {
  return (stored: { file: string; sha256: string }): ModelEntry => ({
    ...stored,
    name,
    params: 10,
    bytes: 5,
    input: { name: "input", shape: ["batch", 3, 32, 32], mean: [0.5] },
    output: { name: "logits", shape: ["batch", 10] },
    ...over,
  });
}

describe("a model that was added", () => {
  it("keeps where it comes from, and takes it into commands", async () => {
    await using dir = await tempDir();
    const file = path.join(dir.path, "m.onnx");
    await writeFile(file, "model");
    await addToRegistry(dir.path, file, entry("mine", { pruning: 0.3, fineTuneEpochs: 0, lineage: [STEP] }));
    const model = findModel(await readRegistry(dir.path), "mine");
    expect(model).toMatchObject({ lineage: [STEP], origin: "added" });
    expect(artifactFacts(model)).toEqual({
      params: 10,
      pruning: 0.3,
      fineTuneEpochs: 0,
      mean: [0.5],
      lineage: [STEP],
    });
    const sha256 = createHash("sha256").update("model").digest("hex");
    expect(filesOf(model)).toEqual([{ precision: "fp32", path: model.path, sha256, bytes: 5 }]);
    expect(await readFile(model.path, "utf8")).toBe("model");
  });

  it("is in the list with all others that processes added at the same time", async () => {
    await using dir = await tempDir();
    const names = Array.from({ length: 6 }, (_, index) => `model-${index}`);
    const script = path.join(dir.path, "add.mjs");
    await writeFile(
      script,
      `import { writeFile } from "node:fs/promises";
import { addToRegistry } from ${JSON.stringify(new URL("../dist/index.js", import.meta.url).href)};
const [data, name] = process.argv.slice(2);
await writeFile(\`\${data}/\${name}.onnx\`, name);
await addToRegistry(data, \`\${data}/\${name}.onnx\`, (stored) => ({
  ...stored, name, params: 1, bytes: name.length,
  input: { name: "x", shape: [1] }, output: { name: "y", shape: [1] },
}));
`,
    );
    const ends = await Promise.all(names.map((name) => runCommand(script, [dir.path, name])));
    expect(ends.map(({ code, stderr }) => ({ code, stderr }))).toEqual(names.map(() => ({ code: 0, stderr: "" })));
    const added = (await readRegistry(dir.path)).filter(({ origin }) => origin === "added");
    expect(added.map(({ name }) => name).sort()).toEqual(names);
    for (const { name, path: file } of added) expect(await readFile(file, "utf8")).toBe(name);
  });
});

describe("a list that cannot be used", () => {
  const listed = (lineage: unknown) =>
    JSON.stringify({
      schema: "edgewatt.models/1",
      models: [{ ...entry("mine")({ file: "f", sha256: "s" }), lineage }],
    });

  it.each([
    ["that is no JSON", "{", /it is not JSON/],
    ["of another kind", '{"schema":"edgewatt.models/2","models":[]}', /schema/],
    [
      "with a lineage without a digest",
      listed([{ ...STEP, from: { name: "m" } }]),
      /models\.0\.lineage\.0\.from\.sha256/,
    ],
    ["with a lineage of another kind", listed([{ ...STEP, op: "magic" }]), /models\.0\.lineage\.0\.op/],
    ["with a fraction that cannot be", listed([{ ...STEP, fraction: 3 }]), /models\.0\.lineage\.0\.fraction/],
  ])("%s is an error that names it, and nothing is added", async (_what, text, message) => {
    await using dir = await tempDir();
    const models = path.join(dir.path, "models");
    await mkdir(models);
    await writeFile(path.join(models, "manifest.json"), text);
    const file = path.join(dir.path, "m.onnx");
    await writeFile(file, "model");
    for (const attempt of [readRegistry(dir.path), addToRegistry(dir.path, file, entry("other"))]) {
      await expect(attempt).rejects.toMatchObject({
        code: "bad-manifest",
        message: expect.stringMatching(message) as string,
      });
    }
    expect(await readdir(models)).toEqual(["manifest.json"]);
    expect(await readFile(path.join(models, "manifest.json"), "utf8")).toBe(text);
  });
});
