import { writeFile } from "node:fs/promises";
import path from "node:path";
import { describeInputs, readModel, writeModel } from "@edgewatt/onnx";
import { type TempDir, tempDir } from "@edgewatt/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ModelBuilder } from "../../../packages/onnx/test/build-model.ts";
import { openStudiedModel } from "../../src/study/studied-model.ts";
import { runHere } from "../run-app.ts";

/** A broker that cannot be reached: what ends with another code than 3 has asked nobody for anything. */
const NOBODY = "mqtt://127.0.0.1:1";

const HUNDREDTHS = Array.from({ length: 12 }, (_, index) => index / 100).join();

let dir: TempDir;
beforeAll(async () => {
  dir = await tempDir();
  const b = new ModelBuilder({ seed: 1 });
  b.output(b.relu(b.conv(b.input("image", ["batch", 3, "height", "width"]), 3, 32)));
  await writeModel(b.build(), path.join(dir.path, "open.onnx"));
  const closed = new ModelBuilder({ seed: 1 });
  const inner = closed.relu(closed.conv(closed.input("image", ["batch", 3, 16, 16]), 3, 32));
  closed.output(closed.conv(inner, 32, 8));
  await writeModel(closed.build(), path.join(dir.path, "net.onnx"));
  const quantized = new ModelBuilder({ seed: 1 });
  const scale = quantized.constant([], Float32Array.of(0.1));
  const x = quantized.node("QuantizeLinear", [quantized.input("image", [1, 3, 8, 8]), scale]);
  const weight = quantized.weight([4, 3, 1, 1], -1, 1);
  quantized.output(quantized.node("Conv", [quantized.node("DequantizeLinear", [x, scale]), weight]), [1, 4, 8, 8]);
  await writeModel(quantized.build(), path.join(dir.path, "int8.onnx"));
  await writeFile(path.join(dir.path, "text.onnx"), "no model");
  // 40 images of another size, and ten of the right one.
  await writeFile(path.join(dir.path, "other.npy"), npy([40, 8, 8, 3]));
  await writeFile(path.join(dir.path, "few.npy"), npy([10, 16, 16, 3]));
});
afterAll(() => dir[Symbol.asyncDispose]());

function npy(shape: readonly number[]): Buffer {
  const header = `{'descr': '|u1', 'fortran_order': False, 'shape': (${shape.join(", ")}), }`.padEnd(117);
  const start = Buffer.concat([Buffer.from("\x93NUMPY\x01\x00v\x00", "latin1"), Buffer.from(`${header}\n`, "latin1")]);
  return Buffer.concat([start, Buffer.alloc(shape.reduce((product, side) => product * side, 1))]);
}

describe("what cannot be studied", () => {
  it.each([
    ["an unknown model", ["nope"], 2, /no model nope: known are /],
    ["a file that is not there", ["gone.onnx"], 2, /no such file: .*gone\.onnx/],
    ["a file that is no model", ["text.onnx"], 1, /text\.onnx.* not an ONNX model/],
    ["a model that is quantized", ["int8.onnx"], 1, /int8\.onnx is quantized already: give the float model/],
    ["a fraction of all channels", ["net.onnx", "--fractions", "0,1"], 2, /--fractions.*from 0 up to below 1/],
    ["fractions that are no numbers", ["net.onnx", "--fractions", "0,a"], 2, /--fractions.*as 0,0\.1,0\.3/],
    ["no fractions", ["net.onnx", "--fractions", ","], 2, /--fractions.*expected names/],
    ["an alignment that no kernel has", ["net.onnx", "--align", "1,4"], 2, /--align.*16 or 8 or 1/],
    ["more rows than a job takes", ["net.onnx", "--fractions", HUNDREDTHS, "--align", "1,8,16"], 2, /make \d+ rows/],
    ["images of another size", ["net.onnx", "--calibration", "other.npy"], 1, /other\.npy holds uint8 \[40, 8, 8, 3\]/],
    ["too few images", ["net.onnx", "--calibration", "few.npy"], 1, /gives 10 images, too few to repair net from/],
    ["images that are not there", ["net.onnx", "--calibration", "gone/"], 1, /cannot read calibration data .*gone/],
    ["sides that are open", ["open.onnx", "--calibration", "synthetic"], 1, /fix them with --input-shape/],
    ["sides that do not fit", ["open.onnx", "--input-shape", "1,4,16,16"], 1, /--input-shape 1,4,16,16 does not fit/],
    ["a normalization of a zoo model", ["p00", "--mean", "0.5"], 2, /--mean, --std and --input-shape go with a file/],
    ["a report in place of a file", ["net.onnx", "--out", "few.npy"], 2, /no folder; name another one with --out/],
    ["a report below a file", ["net.onnx", "--out", "few.npy/a/b"], 2, /cannot write a report .*few\.npy is no folder/],
    ["accuracy without labels", ["net.onnx", "--accuracy", "10"], 2, /--accuracy needs the data set cifar10/],
  ] as const)("%s is one line before anybody is asked", async (_what, args, code, message) => {
    const { exitCode, stdout, stderr } = await runHere(["study", ...args, "--broker", NOBODY], { cwd: dir.path });
    expect(stderr).toMatch(message);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect([exitCode, stdout]).toEqual([code, ""]);
  });

  it("and a named device needs a broker", async () => {
    const { exitCode, stderr } = await runHere(["study", "net.onnx", "--on", "pi-1"], { cwd: dir.path });
    expect(stderr).toMatch(/no stack runs on the data folder/);
    expect(exitCode).toBe(3);
  });
});

describe("a file of one's own", () => {
  const context = {
    stdout: { write: () => true },
    stderr: { write: () => true },
    stdin: process.stdin,
    env: {},
    cwd: "",
    signal: new AbortController().signal,
  };
  it("is taken in place, as the model that nothing was cut from", async () => {
    const { model } = await openStudiedModel(
      { ...context, cwd: dir.path },
      "net.onnx",
      { data: ".edgewatt" },
      dir.path,
    );
    expect(model).toMatchObject({ name: "net", path: path.join(dir.path, "net.onnx"), pruning: 0, fineTuneEpochs: 0 });
    expect(model.params).toBe(3 * 32 * 9 + 32 + 32 * 8 * 9 + 8);
  });

  it("is copied where its sides are to be fixed", async () => {
    await using scratch = await tempDir();
    const { model, inputs } = await openStudiedModel(
      { ...context, cwd: dir.path },
      "open.onnx",
      { data: ".edgewatt", inputShape: [1, 3, 24, 32] },
      scratch.path,
    );
    expect(model.path).toBe(path.join(scratch.path, "open.onnx"));
    expect(inputs[0]?.shape.slice(1)).toEqual([3, 24, 32]);
    expect((await describeInputs(path.join(dir.path, "open.onnx")))[0]?.shape.slice(2)).toEqual(["height", "width"]);
    expect((await readModel(model.path)).graph?.node).toHaveLength(2);
  });
});
