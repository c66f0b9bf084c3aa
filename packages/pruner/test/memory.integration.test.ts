import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { writeModel } from "@edgewatt/onnx";
import { expect, it } from "vitest";
import { useTempDir } from "../../onnx/test/temp-dir.ts";
import { buildVgg } from "./networks.ts";

const folder = await useTempDir();
const model = join(folder, "float.onnx");

/** Runs in a process of its own: what a process once took is not given back. */
const PROGRAM = `
const [onnx, pruner, input, output, images] = process.argv.slice(1);
const { openCalibration, describeInputs } = await import(onnx);
const { prune } = await import(pruner);
const inputs = await describeInputs(input);
const calibration = await openCalibration("synthetic", { inputs, images: Number(images) });
const { peakMemoryMb } = await prune({ input, output, fraction: 0.3, align: 1, calibration });
console.log(peakMemoryMb);
`;

async function peakMb(images: number): Promise<number> {
  const modules = ["@edgewatt/onnx", "@edgewatt/pruner"].map((name) => import.meta.resolve(name));
  const args = [...modules, model, join(folder, `${images}.onnx`), String(images)];
  const child = spawn(process.execPath, ["--input-type=module", "-e", PROGRAM, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  return Number(await text(child.stdout));
}

it("takes no more memory for sixteen times as many images", async () => {
  await writeModel(buildVgg(), model);
  const [few, many] = [await peakMb(128), await peakMb(2048)];
  expect(few).toBeGreaterThan(20);
  // All activations of so many images would be 200 MB.
  expect(many).toBeLessThan(few + 50);
});
