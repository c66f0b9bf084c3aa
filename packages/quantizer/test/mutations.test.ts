import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describeModel, OnnxError, serializeModel } from "@edgewatt/onnx";
import fc from "fast-check";
import { expect, it } from "vitest";
import { buildSmallMobileNet } from "../../onnx/test/build-model.ts";
import { randomSource } from "../../onnx/test/random-source.ts";
import { useTempDir } from "../../onnx/test/temp-dir.ts";
import { quantize } from "../src/quantize.ts";

const folder = await useTempDir();
const bytes = serializeModel(buildSmallMobileNet());

/** The nodes come first in the file; most flips go there, as flipped weights are only other weights. */
const GRAPH_BYTES = 1200;
const flip = fc.record({
  at: fc.oneof({ weight: 3, arbitrary: fc.nat(GRAPH_BYTES) }, { weight: 1, arbitrary: fc.nat(bytes.length - 1) }),
  bit: fc.nat(7),
});

it("a damaged model gives a one-line error and no file, or a model that loads", async () => {
  const input = join(folder, "damaged.onnx");
  const output = join(folder, "out.onnx");
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(flip, { minLength: 1, maxLength: 3 }), async (flips) => {
      const damaged = Uint8Array.from(bytes);
      for (const { at, bit } of flips) damaged[at] = (damaged[at] ?? 0) ^ (1 << bit);
      await writeFile(input, damaged);
      run++;
      const target = output.replace("out", `out-${run}`);
      const calibration = randomSource([{ name: "image", shape: ["batch", 3, 16, 16] }], 4);
      try {
        await quantize({ input, output: target, calibration });
      } catch (error) {
        expect(error).toBeInstanceOf(OnnxError);
        expect((error as OnnxError).message).not.toContain("\n");
        expect((await readdir(folder)).filter((name) => name.startsWith(`out-${run}.`))).toEqual([]);
        return;
      }
      expect((await describeModel(target)).inputs).toHaveLength(1);
    }),
    { numRuns: 80, seed: 4711 },
  );
});
