import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { writeModel } from "@edgewatt/onnx";
import { describe, expect, it } from "vitest";
import { ModelBuilder } from "../../../onnx/test/build-model.ts";
import { useTempDir } from "../../../onnx/test/temp-dir.ts";

const SIDE = 32;
const IMAGES = 512;
/** What the activations of the images that only the longer run sees take, if they are kept: 448 times 96 channels of floats. */
const KEPT_MB = ((IMAGES - 64) * 96 * SIDE * SIDE * 4) / 1e6;

const folder = await useTempDir();
const model = join(folder, "float.onnx");
const data = join(folder, "images.npy");

/** Runs in a process of its own: what a process once took is not given back. */
const PROGRAM = `
const [onnx, quantizer, model, data, method, images] = process.argv.slice(1);
const { openCalibration, peakMemoryBytes, readModel, describeModel } = await import(onnx);
const { calibrate } = await import(quantizer + "/calibration/calibrate.js");
const { prepareModel } = await import(quantizer + "/draft/prepare.js");
const { inputs } = await describeModel(model);
const source = await openCalibration(data, { inputs, images: Number(images) });
const found = await calibrate(prepareModel(await readModel(model)), source, { method });
console.log(JSON.stringify({ images: found.images, peakMb: peakMemoryBytes() / 1e6 }));
`;

async function peakMb(method: string, images: number): Promise<number> {
  const onnx = import.meta.resolve("@edgewatt/onnx");
  const quantizer = new URL("../../dist", import.meta.url).href;
  const what = [onnx, quantizer, model, data, method, String(images)];
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", PROGRAM, ...what]);
  const result = JSON.parse(stdout) as { images: number; peakMb: number };
  expect(result.images).toBe(images);
  return result.peakMb;
}

async function writeMaterial(): Promise<void> {
  const b = new ModelBuilder();
  let tensor = b.input("x", ["batch", 3, SIDE, SIDE]);
  for (const from of [3, 32, 32]) tensor = b.relu(b.conv(tensor, from, 32));
  b.output(b.gemm(b.node("Flatten", [b.node("GlobalAveragePool", [tensor])], { axis: 1n }), 32, 10), ["batch", 10]);
  await writeModel(b.build(), model);
  const header = `{'descr': '|u1', 'fortran_order': False, 'shape': (${IMAGES}, ${SIDE}, ${SIDE}, 3), }`.padEnd(117);
  const start = Buffer.concat([Buffer.from("\x93NUMPY\x01\x00v\x00", "latin1"), Buffer.from(`${header}\n`, "latin1")]);
  const pixels = Uint8Array.from({ length: IMAGES * SIDE * SIDE * 3 }, (_, index) => (index * 2654435761) >>> 24);
  await writeFile(data, Buffer.concat([start, pixels]));
}

describe("the memory of calibration", () => {
  it.each(["minmax", "percentile", "auto"])("does not grow with the number of images: %s", async (method) => {
    await writeMaterial();
    const few = await peakMb(method, 64);
    const many = await peakMb(method, IMAGES);
    // The collector frees a few batches late when the machine is busy.
    expect(KEPT_MB).toBeGreaterThan(150);

    expect(many - few).toBeLessThan(KEPT_MB / 3);
  });
});
