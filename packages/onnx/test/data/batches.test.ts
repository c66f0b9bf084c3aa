import { DataError, openSession, type DataSource } from "../../src/index.ts";
import { describe, expect, it } from "vitest";
import { ModelBuilder } from "../build-model.ts";
import { randomSource } from "../random-source.ts";
import { fittingBatches } from "../../src/data/batches.ts";

async function openRelu(sides: readonly (number | string)[]) {
  const b = new ModelBuilder();
  b.output(b.relu(b.input("x", ["batch", ...sides])));
  return openSession(b.build());
}

async function batchSizes(sides: readonly (number | string)[], source: DataSource): Promise<number[]> {
  await using session = await openRelu(sides);
  const sizes: number[] = [];
  for await (const { count } of fittingBatches(session, source, 0, source.count, undefined)) sizes.push(count);
  return sizes;
}

const source = (height: number, width: number) => randomSource([{ name: "x", shape: ["batch", 3, height, width] }], 8);

describe("fittingBatches", () => {
  it("takes as few images at once where the model leaves their size open as where it fixes it", async () => {
    expect(await batchSizes([3, 16, 16], source(16, 16))).toEqual([4, 4]);
    expect(await batchSizes([3, "height", "width"], source(16, 16))).toEqual([4, 4]);
    expect(await batchSizes([3, 160, 120], source(160, 120))).toEqual(Array<number>(8).fill(1));
    expect(await batchSizes([3, "height", "width"], source(160, 120))).toEqual(Array<number>(8).fill(1));
  });

  it("refuses a source that gives nothing", async () => {
    const empty: DataSource = { ...source(16, 16), name: "an empty source", count: 0 };
    const error: unknown = await batchSizes([3, 16, 16], empty).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DataError);
    expect(error).toMatchObject({ code: "data-too-few", message: "an empty source gave no images: give at least one" });
  });
});
