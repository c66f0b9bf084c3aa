import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { tempDir } from "@edgewatt/testing";
import { describe, expect, it } from "vitest";
import { findModel, findModels, readRegistry } from "../src/registry.ts";

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
