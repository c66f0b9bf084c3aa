import { serializeModel, type ModelProto } from "@edgewatt/onnx";
import { describe, expect, it } from "vitest";
import type { Range } from "../../src/int8/arithmetic.ts";
import { QUANTIZATION_FORMATS, type QuantizationFormat } from "../../src/int8/format.ts";
import { calibrateAsReference } from "../../src/parity/calibration/calibrate-as-reference.ts";
import { preprocessAsReference } from "../../src/parity/preprocess.ts";
import { quantizeAsReference } from "../../src/parity/quantize-as-reference.ts";
import { sourceOf, type ParityCase } from "./case.ts";
import { parityCases } from "./cases.ts";
import { digestOf, floatOf, nodeLines, readGolden, tensorTexts, type Golden } from "./golden.ts";

const METHODS = {
  minmax: { method: "minmax" },
  average: { method: "average" },
  percentile: { method: "percentile" },
  "percentile-99": { method: "percentile", percentile: 99 },
  entropy: { method: "entropy" },
} as const;
type Method = keyof typeof METHODS;

async function compareRanges(
  golden: Golden,
  key: string,
  parityCase: ParityCase,
  model: ModelProto,
  method: Method,
): Promise<ReadonlyMap<string, Range>> {
  const { ranges } = await calibrateAsReference(model, sourceOf(parityCase), METHODS[method]);
  const expected = Object.entries(golden.ranges[key] ?? {}).map(([tensor, [min, max]]) => [
    tensor,
    // Adding 0 makes -0 the 0 that it equals.
    { min: floatOf(min) + 0, max: floatOf(max) + 0 },
  ]);
  expect(
    Object.fromEntries(Array.from(ranges, ([tensor, { min, max }]) => [tensor, { min: min + 0, max: max + 0 }])),
  ).toEqual(Object.fromEntries(expected));
  return ranges;
}

async function compareModels(
  golden: Golden,
  key: string,
  model: ModelProto,
  ranges: ReadonlyMap<string, Range>,
  format: QuantizationFormat,
): Promise<void> {
  for (const perChannel of [false, true]) {
    for (const reducedRange of [false, true]) {
      const flags = `${perChannel ? "/per-channel" : ""}${reducedRange ? "/reduced" : ""}`;
      const expected = golden.results[`${key}/${format}${flags}`];
      const made = quantizeAsReference(model, ranges, { format, perChannel, reducedRange });
      if (expected !== undefined && "refused" in expected) {
        await expect(made).rejects.toMatchObject({ code: "reference-fails" });
        continue;
      }
      const int8 = await made;
      const tensors = tensorTexts(int8.model);
      const lines = Object.entries(tensors).map(([name, text]) => `${name} ${text}`);
      expect({ flags, nodes: nodeLines(int8.model), tensors, digest: digestOf(lines.join("\n")) }).toEqual({
        flags,
        nodes: golden.graphs[expected?.graph ?? ""],
        tensors: expected?.tensors ?? tensors,
        digest: expected?.digest,
      });
    }
  }
}

describe.each(parityCases())("parity with quantize_static: $name", (parityCase) => {
  it.each(Object.keys(METHODS) as Method[])("%s: ranges, and models in all forms", async (method) => {
    const golden = await readGolden(parityCase.name);
    const before = serializeModel(parityCase.model);
    const ranges = await compareRanges(golden, `ort/${method}`, parityCase, parityCase.model, method);
    for (const format of QUANTIZATION_FORMATS)
      await compareModels(golden, `ort/${method}`, parityCase.model, ranges, format);
    expect(serializeModel(parityCase.model)).toEqual(before);
  });
});

describe.each(
  parityCases().filter(({ name }) => ["network", "batch-norms", "constant-nodes", "embeddings"].includes(name)),
)("parity with quant_pre_process and quantize_static: $name", (parityCase) => {
  it.each(["minmax", "percentile"] as const)("%s: ranges, and models in all forms", async (method) => {
    const golden = await readGolden(parityCase.name);
    const model = await preprocessAsReference(parityCase.model);
    const ranges = await compareRanges(golden, `ort-preprocessed/${method}`, parityCase, model, method);
    for (const format of QUANTIZATION_FORMATS)
      await compareModels(golden, `ort-preprocessed/${method}`, model, ranges, format);
  });
});
