import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeModel } from "@edgewatt/onnx";
import { expect, it } from "vitest";
import { ModelBuilder } from "../../../onnx/test/build-model.ts";
import { randomSource } from "../../../onnx/test/random-source.ts";
import { useTempDir } from "../../../onnx/test/temp-dir.ts";
import { quantize } from "../../src/quantize.ts";

const folder = await useTempDir();

/** Two pointwise layers with biases so high that the Relu between them hardly ever clips. */
async function writeBiased(seed: number): Promise<string> {
  const b = new ModelBuilder({ seed });
  const x = b.input("x", ["batch", 8, 4, 4]);
  const biased = (from: string, high: number): string =>
    b.node("Conv", [from, b.weight([8, 8, 1, 1], -0.5, 0.5), b.weight([8], 0, high)], { kernel_shape: [1n, 1n] });
  b.output(biased(b.relu(biased(x, 3)), 0.1), ["batch", 8, 4, 4]);
  const path = join(folder, `biased-${seed}.onnx`);
  await writeModel(b.build(), path);
  return path;
}

it("takes back a technique that does not help, with the ranges that it led to, and does not report it", async () => {
  const calibration = randomSource([{ name: "x", shape: ["batch", 8, 4, 4] }]);
  let takenBack = 0;
  for (let seed = 1; seed <= 12; seed++) {
    const input = await writeBiased(seed);
    const [plain, tried] = [join(folder, "plain.onnx"), join(folder, "tried.onnx")];
    await quantize({ input, output: plain, calibration });
    const { techniques } = await quantize({ input, output: tried, calibration, techniques: ["bias-absorption"] });
    if (techniques.length > 0) continue;
    takenBack++;
    expect((await readFile(tried)).equals(await readFile(plain))).toBe(true);
  }
  expect(takenBack).toBeGreaterThan(0);
});
