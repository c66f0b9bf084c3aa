import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DataError } from "@edgewatt/onnx";
import { describe, expect, it } from "vitest";
import { buildSmallMobileNet } from "../../../onnx/test/build-model.ts";
import { randomSource } from "../../../onnx/test/random-source.ts";
import { useTempDir } from "../../../onnx/test/temp-dir.ts";
import { calibrate } from "../../src/calibration/calibrate.ts";
import { loadCalibration, saveCalibration } from "../../src/calibration/table.ts";
import { prepareModel } from "../../src/draft/prepare.ts";

const folder = await useTempDir();
const path = join(folder, "table.json");
const graph = prepareModel(buildSmallMobileNet());
const calibration = await calibrate(graph, randomSource([{ name: "image", shape: ["batch", 3, 16, 16] }]), {
  method: "auto",
});

describe("a calibration table", () => {
  it("gives back to the bit what was saved, for the same model prepared anew", async () => {
    await saveCalibration(calibration, graph, path);
    expect(await loadCalibration(path, prepareModel(buildSmallMobileNet()))).toEqual(calibration);
    expect(await readdir(folder)).toEqual(["table.json"]);
    const table = JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;
    expect(table).toMatchObject({
      schema: "edgewatt.calibration/1",
      method: "auto",
      data: { kind: "npy", name: "random values", images: 16 },
    });
    expect(Object.keys(table["tensors"] as object)).toEqual([...calibration.ranges.keys()]);
  });

  it("is refused for a model with other weights", async () => {
    await saveCalibration(calibration, graph, path);
    const other = prepareModel(buildSmallMobileNet({ seed: 2 }));
    await expect(loadCalibration(path, other)).rejects.toMatchObject({
      code: "table-other-model",
      message: expect.stringContaining("was made for another model") as string,
    });
  });

  it.each([
    ["is no JSON", () => "{", "table-damaged"],
    ["is of another schema", (text: string) => text.replace("calibration/1", "calibration/9"), "table-damaged"],
    ["has a range without zero", (text: string) => text.replace(/"min": [^,]*/, '"min": 1e9'), "table-damaged"],
    ["has a range that is no number", (text: string) => text.replace(/"max": [^,]*/, '"max": "a"'), "table-damaged"],
    ["names no known method", (text: string) => text.replace('"auto"', '"best"'), "table-damaged"],
    ["is a list", () => "[]", "table-damaged"],
  ])("is refused in one line when it %s", async (_, damage, code) => {
    await saveCalibration(calibration, graph, path);
    await writeFile(path, damage(await readFile(path, "utf8")));
    const error: unknown = await loadCalibration(path, graph).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DataError);
    expect(error).toMatchObject({ code });
    expect((error as Error).message).toContain(path);
    expect((error as Error).message).not.toContain("\n");
  });

  it("reports a path that cannot be read or written", async () => {
    const lost = join(folder, "lost", "table.json");
    await expect(loadCalibration(lost, graph)).rejects.toMatchObject({ code: "table-unreadable" });
    await expect(saveCalibration(calibration, graph, lost)).rejects.toMatchObject({ code: "table-unwritable" });
  });
});
