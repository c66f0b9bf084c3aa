import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describeModel, openCalibration, openCifar, openSession } from "@edgewatt/onnx";
import { describe, expect, it, vi } from "vitest";
import { useTempDir } from "../../onnx/test/temp-dir.ts";
import { quantize } from "../src/quantize.ts";

interface Manifest {
  readonly models: readonly {
    readonly name: string;
    readonly file: string;
    readonly input: { readonly mean: readonly number[]; readonly std: readonly number[] };
  }[];
}

const zoo = fileURLToPath(new URL("../../../models/", import.meta.url));
const folder = await useTempDir();
const { models } = JSON.parse(await readFile(join(zoo, "manifest.json"), "utf8")) as Manifest;
const datasets = process.env["EDGEWATT_DATASETS"];

/** The published limit for the size of an int8 file against its float one. */
const LARGEST_SHARE = 0.285;

// Whole networks on a small shared machine: a limit that only a hang reaches.
vi.setConfig({ testTimeout: 240_000 });

describe("MobileNetV1", () => {
  it.each(models)("$name fuses completely, in both formats, and is small", async ({ name, file, input: norm }) => {
    const input = join(zoo, file);
    const { inputs } = await describeModel(input);
    const calibration = await openCalibration("synthetic", { inputs, mean: norm.mean, std: norm.std, images: 32 });
    for (const format of ["u8s8", "s8s8"] as const) {
      const report = await quantize({ input, output: join(folder, `${name}-${format}.onnx`), calibration, format });
      expect(report.nodes).toEqual({ quantized: 30, fused: 30, float: [] });
      expect(report.bytes.int8 / report.bytes.float).toBeLessThan(LARGEST_SHARE);
      expect(report.sqnrDb).toBeGreaterThan(20);
      expect(report.agreement).toBeGreaterThan(0.85);
    }
  });

  it.skipIf(datasets === undefined)("p00 and p40 stay within a point of their float accuracy on CIFAR-10", async () => {
    const cifar = join(datasets ?? "", "cifar10");
    for (const { name, file, input: norm } of models.filter((model) => /p00|p40/.test(model.name))) {
      const input = join(zoo, file);
      const output = join(folder, `${name}.onnx`);
      const { inputs } = await describeModel(input);
      const calibration = await openCalibration(join(cifar, "data_batch_1.bin"), {
        inputs,
        mean: norm.mean,
        std: norm.std,
      });
      await quantize({ input, output, calibration, format: "u8s8" });
      const [float, int8] = [await accuracyPct(input, norm), await accuracyPct(output, norm)];
      expect(float).toBeGreaterThan(80);
      expect(Math.abs(float - int8), `${name}: ${float} % in float, ${int8} % in int8`).toBeLessThan(1);
    }
  });

  async function accuracyPct(path: string, norm: { mean: readonly number[]; std: readonly number[] }): Promise<number> {
    await using session = await openSession(path);
    const test = await openCifar(join(datasets ?? "", "cifar10", "test_batch.bin"), {
      inputs: session.inputs,
      images: 2000,
      ...norm,
    });
    let correct = 0;
    for await (const batch of test.batches({ batchSize: 50 })) {
      const logits = (await session.run(batch.feeds))["logits"]?.data as Float32Array;
      for (const [index, label] of (batch.labels ?? []).entries()) {
        const row = logits.subarray(index * 10, index * 10 + 10);
        if (row.indexOf(Math.max(...row)) === label) correct++;
      }
    }
    return (100 * correct) / test.count;
  }
});
