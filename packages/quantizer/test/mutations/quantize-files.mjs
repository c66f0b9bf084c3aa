// Quantizes the model files that standard input lists, one after the other, and prints a JSON line before and after each, so that
// whoever started this process knows at which file it died or hung.
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { describeModel, OnnxError } from "@edgewatt/onnx";
import { quantize } from "@edgewatt/quantizer";

const IMAGES = 4;

/** Waves as images, for whatever input the base models have. */
const calibration = {
  kind: "npy",
  name: "waves",
  count: IMAGES,
  available: 2 * IMAGES,
  async *batches({ batchSize, first = 0, count = IMAGES }) {
    for (let start = first; start < first + count; start += batchSize) {
      const size = Math.min(batchSize, first + count - start);
      const dims = [size, 3, 16, 16];
      const data = Float32Array.from({ length: size * 3 * 16 * 16 }, (_, index) => Math.sin(start + index * 0.7));
      yield { feeds: { image: { type: "float32", dims, data } }, count: size };
    }
  },
};

for (const input of readFileSync(0, "utf8").split("\n")) {
  print({ start: input });
  const output = `${input}.int8`;
  const startedMs = performance.now();
  let outcome;
  try {
    await quantize({ input, output, calibration });
    await describeModel(output);
    outcome = { ok: true };
  } catch (error) {
    outcome = {
      ok: false,
      own: error instanceof OnnxError,
      code: error.code,
      message: error.message,
      stack: error.stack,
    };
  }
  const left = readdirSync(dirname(input)).filter((name) => name.endsWith(".tmp"));
  rmSync(output, { force: true });
  print({ end: input, ...outcome, left, ms: performance.now() - startedMs, peakMb: peakMb() });
}

function peakMb() {
  const found = /VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"));
  return Number(found?.[1] ?? 0) / 1000;
}

function print(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
