import {
  CanceledError,
  DataError,
  type DataSource,
  deriveModel,
  fittingBatches,
  Graph,
  makeOutput,
  type ModelProto,
  openSession,
} from "@edgewatt/onnx";
import { describe, expect, it } from "vitest";
import { buildSmallMobileNet, ModelBuilder } from "../../../onnx/test/build-model.ts";
import { randomSource } from "../../../onnx/test/random-source.ts";
import type { Range } from "../../src/int8/arithmetic.ts";
import { calibrate, type Calibration } from "../../src/calibration/calibrate.ts";
import { CALIBRATION_METHODS, type CalibrationMethod } from "../../src/calibration/method.ts";
import { prepareModel } from "../../src/draft/prepare.ts";
import { measuredError, UINT8 } from "./samples.ts";

const image = [{ name: "image", shape: ["batch", 3, 16, 16] }];

/** All values of some tensors over all images, image by image. */
async function valuesOf(model: ModelProto, tensors: readonly string[], source: DataSource): Promise<Float32Array[][]> {
  const inputs = new Graph(model).inputNames;
  const outputs = tensors.filter((tensor) => !inputs.includes(tensor));
  await using session = await openSession(deriveModel(model, { output: outputs.map(makeOutput) }));
  const seen: Float32Array[][] = tensors.map(() => []);
  for await (const { feeds } of source.batches({ batchSize: 1 })) {
    const results = { ...feeds, ...(await session.run(feeds)) };
    for (const [index, tensor] of tensors.entries()) seen[index]?.push(results[tensor]?.data as Float32Array);
  }
  return seen;
}

function extremes(images: readonly Float32Array[]): Range {
  return {
    min: Math.min(0, ...images.map((values) => Math.min(...values))),
    max: Math.max(0, ...images.map((values) => Math.max(...values))),
  };
}

/** The same samples, read in batches of at most so many. */
function limited(source: DataSource, largest: number): DataSource {
  return {
    ...source,
    batches: (request) => source.batches({ ...request, batchSize: Math.min(request.batchSize, largest) }),
  };
}

function expectClose(found: Range | undefined, expected: Range, tolerance = 1e-5): void {
  const scale = tolerance * Math.max(expected.max - expected.min, 1e-9);
  expect(Math.abs((found?.min ?? Number.NaN) - expected.min)).toBeLessThan(scale);
  expect(Math.abs((found?.max ?? Number.NaN) - expected.max)).toBeLessThan(scale);
}

describe("calibrate", () => {
  it("finds the smallest and largest value of each tensor, and what a Relu lets through for what it reads", async () => {
    const graph = prepareModel(buildSmallMobileNet());
    const source = randomSource(image, 21);
    const { ranges, images, method, kind, name } = await calibrate(graph, source);
    expect({ images, method, kind, name }).toEqual({
      images: 21,
      method: "minmax",
      kind: "npy",
      name: "random values",
    });
    const relus = graph.nodes.filter((node) => node.opType === "Relu");
    expect(relus).toHaveLength(3);
    const afterRelu = new Map(relus.map((node) => [node.input[0] ?? "", node.output[0] ?? ""]));
    const tensors = [...ranges.keys()];
    expect(tensors).toContain("image");
    const seen = await valuesOf(graph.model, tensors, source);
    for (const [index, tensor] of tensors.entries()) {
      const expected = afterRelu.get(tensor);
      if (expected === undefined) expectClose(ranges.get(tensor), extremes(seen[index] ?? []));
      else expect(ranges.get(tensor)).toEqual(ranges.get(expected));
    }
  });

  it("keeps what the model gives for the images after those that calibrate, batch by batch", async () => {
    const graph = prepareModel(buildSmallMobileNet());
    const source = randomSource(image, 10);
    const { outputs, ranges } = await calibrate(graph, source, { keptImages: 6 });
    expect(ranges).toEqual((await calibrate(graph, source)).ranges);
    expect((await calibrate(graph, source)).outputs).toBeUndefined();
    await using session = await openSession(graph.model);
    const name = graph.outputNames[0] ?? "";
    const offsets: number[] = [];
    let offset = 0;
    for await (const { feeds, count } of fittingBatches(session, source, 10, 6, undefined)) {
      const kept = outputs?.at(offset)?.[name];
      const expected = (await session.run(feeds))[name];
      if (!(kept?.data instanceof Float32Array && expected?.data instanceof Float32Array))
        throw new TypeError(`no output was kept for image ${offset}`);
      expect(kept.dims).toEqual(expected.dims);
      const wanted = expected.data;
      const deviations = Array.from(kept.data, (value, at) => Math.abs(value - (wanted[at] ?? Number.NaN)));
      expect(Math.max(...deviations)).toBeLessThan(1e-5);
      offsets.push(offset);
      offset += count;
    }
    expect(offsets).toEqual([0, 4]);
    expect(outputs?.at(6)).toBeUndefined();
  });

  it("gives onnxruntime's ranges to the bit without optimization", async () => {
    const graph = prepareModel(buildSmallMobileNet());
    const source = randomSource(image, 8);
    const { ranges } = await calibrate(graph, source, { unoptimized: true });
    const gemm = graph.outputNames[0] ?? "";
    await using session = await openSession(graph.model, { optimization: "disabled" });
    let expected = { min: 0, max: 0 };
    for await (const { feeds } of source.batches({ batchSize: 8 })) {
      expected = extremes([(await session.run(feeds))[gemm]?.data as Float32Array]);
    }
    expect(ranges.get(gemm)).toEqual(expected);
  });

  it("moves an average by a hundredth of each image's range", async () => {
    const graph = prepareModel(buildSmallMobileNet());
    const source = randomSource(image, 9);
    const { ranges, method } = await calibrate(graph, source, { method: "moving-average" });
    expect(method).toBe("moving-average");
    const gemm = graph.outputNames[0] ?? "";
    const [[first, ...others] = []] = await valuesOf(graph.model, [gemm], source);
    const average = { min: Math.min(...(first ?? [])), max: Math.max(...(first ?? [])) };
    for (const values of others) {
      average.min += 0.01 * (Math.min(...values) - average.min);
      average.max += 0.01 * (Math.max(...values) - average.max);
    }
    expectClose(ranges.get(gemm), average);
  });

  it("does not depend on how the images come in batches", async () => {
    const graph = prepareModel(buildSmallMobileNet({ seed: 4 }));
    for (const method of ["percentile", "entropy", "mse", "sqnr"] as const) {
      const [one, many] = [
        await calibrate(graph, limited(randomSource(image, 13), 1), { method }),
        await calibrate(graph, randomSource(image, 13), { method }),
      ];
      // A value at the edge of a bin may lie in the next one, as kernels add up in another order for other batches.
      for (const [tensor, range] of one.ranges) expectClose(many.ranges.get(tensor), range, 0.01);
    }
  });

  it("clips heavy tails where the error falls, and never beyond what was seen", async () => {
    const b = new ModelBuilder();
    // The seventh power of evenly spread values: nine tenths of them lie in the inner half of the range.
    const x = b.input("x", ["batch", 4, 8, 8]);
    const power = b.node("Mul", [
      b.node("Mul", [x, b.node("Mul", [x, x])]),
      b.node("Mul", [b.node("Mul", [x, x]), b.node("Mul", [x, x])]),
    ]);
    b.output(b.conv(power, 4, 4), ["batch", 4, 8, 8]);
    const graph = prepareModel(b.build());
    const source = randomSource([{ name: "x", shape: ["batch", 4, 8, 8] }], 40);
    const found = new Map<CalibrationMethod, Calibration>();
    for (const method of CALIBRATION_METHODS)
      found.set(method, await calibrate(graph, source, { method, percentile: 99 }));
    const whole = found.get("minmax")?.ranges ?? new Map<string, Range>();
    const tensors = [...whole.keys()];
    const seen = await valuesOf(graph.model, tensors, source);
    const errors = (method: CalibrationMethod): number[] =>
      tensors.map((tensor, index) => {
        const range = found.get(method)?.ranges.get(tensor) as Range;
        return (seen[index] ?? []).reduce((sum, values) => sum + measuredError(values, range, UINT8), 0);
      });
    for (const [method, { ranges }] of found) {
      for (const tensor of tensors) {
        const [inner, outer] = [ranges.get(tensor) as Range, whole.get(tensor) as Range];
        const slack = 1e-6 * (outer.max - outer.min);
        expect(inner.min, `${method} ${tensor}`).toBeGreaterThanOrEqual(outer.min - slack);
        expect(inner.max, `${method} ${tensor}`).toBeLessThanOrEqual(outer.max + slack);
      }
    }
    const auto = errors("auto");
    for (const method of ["minmax", "percentile", "entropy", "mse", "sqnr"] as const) {
      for (const [index, error] of errors(method).entries()) expect(auto[index]).toBeLessThanOrEqual(error * 1.05);
    }
    const powered = found.get("percentile")?.ranges.get(power);
    expect(powered?.max).toBeLessThan(0.99 * (whole.get(power)?.max ?? 0));
    expect([...(found.get("auto")?.methods.values() ?? [])]).toContain("mse");
  });

  it("shares the range of a tensor that is only moved, and leaves out what is not float32", async () => {
    const b = new ModelBuilder();
    const x = b.input("x", ["batch", 3, 8, 8]);
    const shape = b.constant([2], BigInt64Array.of(-1n, 192n));
    const moved = b.node("Reshape", [x, shape]);
    const wide = b.node("Cast", [b.gemm(moved, 192, 5)], { to: 11n });
    const sum = b.node("Add", [wide, wide]);
    b.output(b.node("Cast", [sum], { to: 1n }), ["batch", 5]);
    const graph = prepareModel(b.build());
    const { ranges } = await calibrate(graph, randomSource([{ name: "x", shape: ["batch", 3, 8, 8] }]));
    expect(ranges.get(moved)).toEqual(ranges.get("x"));
    expect(ranges.has(sum)).toBe(false);
    expect(ranges.has(wide)).toBe(false);
  });

  it("maps the weights of a larger model from a file, to the same ranges", async () => {
    const b = new ModelBuilder();
    const x = b.input("x", ["batch", 256]);
    const hidden = b.relu(b.gemm(x, 256, 2048));
    b.output(b.gemm(hidden, 2048, 8), ["batch", 8]);
    const graph = prepareModel(b.build());
    const source = randomSource([{ name: "x", shape: ["batch", 256] }], 12);
    const { ranges } = await calibrate(graph, source, { method: "mse" });
    const minmax = await calibrate(graph, source);
    const [values = []] = await valuesOf(graph.model, [hidden], source);
    expectClose(minmax.ranges.get(hidden), extremes(values));
    expect(ranges.get(hidden)?.max).toBeLessThanOrEqual(minmax.ranges.get(hidden)?.max ?? 0);
  });

  it("counts images through both passes, and stops between batches when it is told to", async () => {
    const graph = prepareModel(buildSmallMobileNet());
    const source = randomSource(image, 10);
    const seen: [number, number][] = [];
    await calibrate(graph, source, { method: "entropy", onImages: (done, total) => seen.push([done, total]) });
    expect(seen.at(-1)).toEqual([20, 20]);
    expect(seen.every(([done], index) => index === 0 || done > (seen[index - 1]?.[0] ?? 0))).toBe(true);
    const controller = new AbortController();
    const options = { method: "mse", signal: controller.signal, onImages: () => controller.abort() } as const;
    await expect(calibrate(graph, source, options)).rejects.toBeInstanceOf(CanceledError);
  });

  it.each([Number.NaN, Infinity])("refuses data with %s, by the name of the tensor", async (value) => {
    const graph = prepareModel(buildSmallMobileNet());
    const source = randomSource(image, 4);
    const damaged: DataSource = {
      ...source,
      async *batches(request) {
        for await (const batch of source.batches(request)) {
          batch.feeds["image"]?.data.fill(value as never, 700, 701);
          yield batch;
        }
      },
    };
    for (const method of ["minmax", "mse"] as const) {
      const error: unknown = await calibrate(graph, damaged, { method }).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(DataError);
      expect(error).toMatchObject({ code: "range-not-finite", context: { tensor: "image" } });
    }
  });

  it("refuses a percentile that leaves nothing", async () => {
    const graph = prepareModel(buildSmallMobileNet());
    for (const percentile of [0, 50, 100.1, Number.NaN]) {
      await expect(calibrate(graph, randomSource(image), { method: "percentile", percentile })).rejects.toMatchObject({
        code: "percentile",
      });
    }
  });
});
