import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CanceledError, describeModel, openCalibration, openSession, writeModel } from "@edgewatt/onnx";
import { describe, expect, it } from "vitest";
import { ModelBuilder } from "../../../onnx/test/build-model.ts";
import { useTempDir } from "../../../onnx/test/temp-dir.ts";
import { quantize } from "../../src/quantize.ts";
import { measureSensitivity, type SensitivityProgress } from "../../src/sensitivity/measure.ts";

const folder = await useTempDir();
const CLASSES = 10;

/** A classifier of CIFAR pictures; its layers have 9 x 3 x 8 + 8, 72 + 8, 8 x 16 + 16 and 16 x 10 + 10 parameters. */
async function classifier(): Promise<string> {
  const b = new ModelBuilder({ seed: 11 });
  const stem = b.relu(b.conv(b.input("image", ["batch", 3, 32, 32]), 3, 8, { stride: 2 }));
  const depthwise = b.relu(b.conv(stem, 8, 8, { groups: 8 }));
  const pointwise = b.relu(b.conv(depthwise, 8, 16, { kernel: 1 }));
  const flat = b.node("Flatten", [b.node("GlobalAveragePool", [pointwise])], { axis: 1n });
  b.output(b.gemm(flat, 16, CLASSES), ["batch", CLASSES]);
  const path = join(folder, "classifier.onnx");
  await writeModel(b.build(), path, { externalData: false });
  return path;
}

/** Pictures in CIFAR's binary form, each labelled with what the model says of it, but the first `wrong` ones. */
async function labelledPictures(model: string, count: number, wrong: number): Promise<string> {
  const path = join(folder, `pictures-${count}-${wrong}.bin`);
  const records = Buffer.alloc(count * 3073);
  for (let index = 0; index < records.length; index++) {
    const picture = Math.floor(index / 3073);
    if (index % 3073 > 0) records[index] = (index * (3 + (picture % 7)) + picture * 41) % 256;
  }
  await writeFile(path, records);
  await using session = await openSession(model);
  const source = await openCalibration(path, { inputs: session.inputs, images: count });
  let picture = 0;
  for await (const { feeds } of source.batches({ batchSize: 1 })) {
    const scores = Object.values(await session.run(feeds))[0]?.data as Float32Array;
    const best = scores.indexOf(Math.max(...scores));
    records[picture * 3073] = picture < wrong ? (best + 1) % CLASSES : best;
    picture++;
  }
  await writeFile(path, records);
  return path;
}

const model = await classifier();
const { inputs } = await describeModel(model);

describe("measureSensitivity", () => {
  it("compares all layers of a model by weights, time, noise and accuracy", async () => {
    const pictures = await labelledPictures(model, 60, 12);
    const calibration = await openCalibration(pictures, { inputs, images: 20 });
    const progress: SensitivityProgress[] = [];
    const report = await measureSensitivity({
      input: model,
      calibration,
      format: "u8s8",
      reduceRange: false,
      threads: 1,
      onProgress: (step) => progress.push(step),
    });
    expect(report).toMatchObject({
      in: model,
      format: "u8s8",
      perChannel: true,
      params: 224 + 80 + 144 + 170,
      calibration: { kind: "cifar", images: 20 },
      // The 40 pictures after the calibration ones, all labelled rightly.
      evaluation: { kind: "cifar", images: 40, heldBack: true, accuracyPct: 100 },
      time: { threads: 1, batch: 1 },
    });
    // 16 x 16 places behind the first stride of 2, and at each of them the weights without the bias.
    expect(report.layers.map(({ index, op, params, macs }) => [index, op, params, macs])).toEqual([
      [0, "Conv", 224, 256 * 216],
      [1, "Conv", 80, 256 * 72],
      [2, "Conv", 144, 256 * 128],
      [3, "Gemm", 170, 160],
    ]);
    expect(report.macs).toBe(256 * (216 + 72 + 128) + 160);
    for (const layer of report.layers) {
      expect(layer.sqnrDb).toBeGreaterThan(15);
      expect(layer.sqnrDb).toBeLessThan(90);
      // Every class was the float model's, so each that changes is lost.
      expect(layer.accuracyDropPt).toBeCloseTo(100 * (1 - (layer.agreement ?? Number.NaN)), 6);
      expect(layer.timePct).toBeGreaterThan(0);
      expect(layer.floatTimePct).toBeGreaterThan(0);
      expect(layer.reason).toBeNull();
    }
    const sum = (of: (layer: (typeof report.layers)[number]) => number) =>
      report.layers.reduce((total, layer) => total + of(layer), 0);
    expect(sum((layer) => layer.weightsPct)).toBeCloseTo(100, 6);
    expect(sum((layer) => layer.timePct) + report.time.int8.otherPct).toBeCloseTo(100, 6);
    expect(sum((layer) => layer.floatTimePct) + report.time.float.otherPct).toBeCloseTo(100, 6);
    expect([...new Set(progress.map(({ step }) => step))]).toEqual(["prepare", "calibrate", "profile", "layers"]);
    expect(progress.at(-1)).toEqual({ step: "layers", done: 160, total: 160 });
  });

  it("measures on another set where one is given, and without labels gives no accuracy", async () => {
    const calibration = await openCalibration("synthetic", { inputs, images: 8 });
    const evaluation = await openCalibration(await labelledPictures(model, 60, 12), { inputs });
    const labelled = await measureSensitivity({ input: model, calibration, evaluation, evaluationImages: 24 });
    expect(labelled.evaluation).toMatchObject({ kind: "cifar", images: 24, heldBack: true, accuracyPct: 50 });
    const bare = await measureSensitivity({ input: model, calibration, evaluationImages: 4, threads: 1 });
    expect(bare.evaluation).toMatchObject({ kind: "synthetic", images: 4, accuracyPct: null });
    for (const { accuracyDropPt, agreement } of bare.layers) {
      expect(accuracyDropPt).toBeNull();
      expect(agreement).not.toBeNull();
    }
  });

  it("stops when it is told to, in the middle of the layers", async () => {
    const calibration = await openCalibration("synthetic", { inputs, images: 4 });
    const stop = new AbortController();
    const measuring = measureSensitivity({
      input: model,
      calibration,
      evaluationImages: 50,
      signal: stop.signal,
      onProgress: ({ step, done }) => {
        if (step === "layers" && done > 30) stop.abort();
      },
    });
    await expect(measuring).rejects.toThrow(CanceledError);
  });

  it("refuses a model that is quantized already", async () => {
    const calibration = await openCalibration("synthetic", { inputs, images: 2 });
    const input = join(folder, "int8.onnx");
    await quantize({ input: model, output: input, calibration });
    await expect(measureSensitivity({ input, calibration })).rejects.toMatchObject({ code: "already-quantized" });
  });

  it("refuses a model without any layer that can be quantized", async () => {
    const b = new ModelBuilder();
    b.output(b.relu(b.input("image", ["batch", 3, 32, 32])), ["batch", 3, 32, 32]);
    const path = join(folder, "relu.onnx");
    await writeModel(b.build(), path, { externalData: false });
    const calibration = await openCalibration("synthetic", { inputs, images: 2 });
    await expect(measureSensitivity({ input: path, calibration })).rejects.toMatchObject({
      code: "nothing-to-quantize",
    });
  });
});
