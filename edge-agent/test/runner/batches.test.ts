import { expect, it } from "vitest";
import { joinBatches } from "../../src/runner/batches.ts";
import type { Feeds } from "../../src/runner/messages.ts";

/** An image of two values and a label, both known by their number. */
function feeds(n: number): Feeds {
  return {
    image: { type: "float32", dims: [1, 1, 2], data: Float32Array.of(n, n + 0.5) },
    id: { type: "int64", dims: [1], data: BigInt64Array.of(BigInt(n)) },
  };
}

it("joins images in order and fills the last batch up from the start", () => {
  const joined = joinBatches([0, 1, 2, 3, 4].map(feeds), 2);
  expect(joined).toHaveLength(3);
  expect(joined[1]).toEqual({
    image: { type: "float32", dims: [2, 1, 2], data: Float32Array.of(2, 2.5, 3, 3.5) },
    id: { type: "int64", dims: [2], data: BigInt64Array.of(2n, 3n) },
  });
  expect(joined[2]?.["image"]?.data).toEqual(Float32Array.of(4, 4.5, 0, 0.5));
});

it("repeats images where a batch holds more than there are", () => {
  expect(joinBatches([feeds(7)], 3).map(({ id }) => id?.data)).toEqual([BigInt64Array.of(7n, 7n, 7n)]);
});

it("leaves single images and no images alone", () => {
  const one = [feeds(1), feeds(2)];
  expect(joinBatches(one, 1)).toBe(one);
  expect(joinBatches([], 4)).toEqual([]);
});

it("refuses inputs of different names", () => {
  expect(() => joinBatches([feeds(1), {}], 2)).toThrow(/lacks "image"/);
});
