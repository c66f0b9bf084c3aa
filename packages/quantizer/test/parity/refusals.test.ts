import { DataType, type DataSource, type ModelProto } from "@edgewatt/onnx";
import { describe, expect, it } from "vitest";
import { ModelBuilder } from "../../../onnx/test/build-model.ts";
import { randomSource } from "../../../onnx/test/random-source.ts";
import { calibrateAsReference, REFERENCE_METHODS } from "../../src/parity/calibration/calibrate-as-reference.ts";
import { preprocessAsReference } from "../../src/parity/preprocess.ts";
import { quantizeAsReference } from "../../src/parity/quantize-as-reference.ts";

const SHAPE = ["batch", 4, 6, 6] as const;
const OPTIONS = { format: "u8s8", perChannel: true, reducedRange: false } as const;

function build(body: (b: ModelBuilder, x: string) => string, opset = 13): ModelProto {
  const b = new ModelBuilder({ opset });
  b.output(body(b, b.input("x", SHAPE)), ["batch", "channels", "height", "width"]);
  return b.build();
}

function source(): DataSource {
  return randomSource([{ name: "x", shape: SHAPE }], 4);
}

async function quantize(model: ModelProto): Promise<unknown> {
  const { ranges } = await calibrateAsReference(model, source(), { method: "minmax" });
  return await quantizeAsReference(model, ranges, OPTIONS);
}

/** Replaces the values of samples by NaN. */
function withNaN(count: number): DataSource {
  const inner = source();
  return {
    ...inner,
    async *batches(request) {
      for await (const batch of inner.batches(request)) {
        const data = batch.feeds["x"]?.data;
        if (data instanceof Float32Array) data.fill(Number.NaN, 0, count);
        yield batch;
      }
    },
  };
}

describe("parity mode refuses", () => {
  it("operator sets that the reference would convert first", async () => {
    const model = build((b, x) => b.conv(x, 4, 4), 9);
    await expect(quantize(model)).rejects.toMatchObject({ code: "opset-too-old" });
    await expect(preprocessAsReference(model)).rejects.toMatchObject({ code: "opset-too-old" });
  });

  it("models that are quantized already", async () => {
    const { model } = (await quantize(build((b, x) => b.conv(x, 4, 4)))) as { model: ModelProto };
    await expect(quantize(model)).rejects.toMatchObject({ code: "already-quantized" });
  });

  it("models without an operator of the registry", async () => {
    const model = build((b, x) => b.node("Abs", [x]));
    await expect(quantize(model)).rejects.toMatchObject({ code: "nothing-to-quantize" });
  });

  it("float16", async () => {
    const model = build((b, x) =>
      b.node("Cast", [b.relu(b.node("Cast", [x], { to: BigInt(DataType.FLOAT16) }))], { to: 1n }),
    );
    await expect(quantize(model)).rejects.toMatchObject({ code: "float16-model" });
  });

  it("per-channel scales of a grouped ConvTranspose, on which the reference fails", async () => {
    const model = build((b, x) => {
      const weight = b.weight([4, 3, 1, 1], -1, 1);
      return b.node("ConvTranspose", [x, weight, b.weight([6], -1, 1)], { group: 2n });
    });
    await expect(quantize(model)).rejects.toMatchObject({ code: "reference-fails" });
    const { ranges } = await calibrateAsReference(model, source(), { method: "minmax" });
    const { quantized } = await quantizeAsReference(model, ranges, { ...OPTIONS, perChannel: false });
    expect(quantized).toHaveLength(1);
  });

  it("weights that are not finite", async () => {
    const model = build((b, x) => b.node("Mul", [x, b.constant([1], Float32Array.of(Infinity))]));
    await expect(quantize(model)).rejects.toMatchObject({ code: "range-not-finite" });
    const masked = build((b, x) => b.node("Conv", [x, b.constant([1, 4, 1, 1], Float32Array.of(1, 2, Number.NaN, 4))]));
    await expect(quantize(masked)).rejects.toMatchObject({ name: expect.stringMatching(/Error$/) as string });
  });

  it.each(REFERENCE_METHODS)("data that is not a number, with %s", async (method) => {
    const model = build((b, x) => b.conv(x, 4, 4));
    const calibration = calibrateAsReference(model, withNaN(4 * 36), { method });
    await expect(calibration).rejects.toMatchObject({ code: "range-not-finite" });
  });

  it.each([-1, 100.5, Number.NaN])("a percentile of %d", async (percentile) => {
    const calibration = calibrateAsReference(
      build((b, x) => b.conv(x, 4, 4)),
      source(),
      { method: "percentile", percentile },
    );
    await expect(calibration).rejects.toMatchObject({ code: "percentile" });
  });

  it("values too close together to count", async () => {
    const model = build((b, x) =>
      b.node("Add", [b.node("Mul", [x, b.constant([], Float32Array.of(1e-9))]), b.constant([], Float32Array.of(1))]),
    );
    const calibration = calibrateAsReference(model, source(), { method: "percentile" });
    await expect(calibration).resolves.toMatchObject({ images: 4 });
    const wide = build((b, x) =>
      b.node("Add", [b.node("Mul", [x, b.constant([], Float32Array.of(1e-6))]), b.constant([], Float32Array.of(1))]),
    );
    await expect(calibrateAsReference(wide, source(), { method: "percentile" })).rejects.toMatchObject({
      code: "range-too-narrow",
    });
  });
});

it("asks for one sample at a time, and for all of them again where it counts values", async () => {
  const sizes: number[] = [];
  const watched: DataSource = {
    ...source(),
    async *batches(request) {
      sizes.push(request.batchSize);
      yield* source().batches(request);
    },
  };
  const model = build((b, x) => b.conv(x, 4, 4));
  const { images } = await calibrateAsReference(model, watched, { method: "percentile" });
  expect([images, ...sizes]).toEqual([4, 1, 1]);
});

it("stops when it is told to, and tells how far it is", async () => {
  const model = build((b, x) => b.conv(x, 4, 4));
  const controller = new AbortController();
  const seen: string[] = [];
  const calibration = calibrateAsReference(model, source(), {
    method: "percentile",
    signal: controller.signal,
    onImages(done, total) {
      seen.push(`${done}/${total}`);
      if (done === 6) controller.abort();
    },
  });
  await expect(calibration).rejects.toMatchObject({ code: "canceled" });
  expect(seen).toEqual(["1/8", "2/8", "3/8", "4/8", "5/8", "6/8"]);
});

it.each(REFERENCE_METHODS)("a tensor without elements has the range of zeros, with %s", async (method) => {
  const b = new ModelBuilder();
  const x = b.input("x", SHAPE);
  const empty = b.node("Slice", [
    b.conv(x, 4, 4),
    ...[0n, 0n, 1n].map((value) => b.constant([1], BigInt64Array.of(value))),
  ]);
  b.output(b.relu(empty), ["batch", 0, 6, 6]);
  const { ranges } = await calibrateAsReference(b.build(), source(), { method });
  expect(ranges.get(empty)).toEqual({ min: expect.closeTo(0) as number, max: 0 });
});
