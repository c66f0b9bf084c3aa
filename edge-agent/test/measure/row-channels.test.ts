import { expect, it } from "vitest";
import { rowChannels } from "../../src/measure/row-channels.ts";

const block = { channels: 16, kernels: "AVX-512" };

it("names the Convs that write no multiple of the block", () => {
  const convs = [
    { layer: "stem", reads: 3, writes: 30 },
    { layer: "body", reads: 30, writes: 64 },
    { layer: "head", reads: 64, writes: 61 },
  ];
  expect(rowChannels(convs, block)).toEqual({
    block,
    layers: 3,
    offLayers: 2,
    off: [
      { layer: "stem", channels: 30 },
      { layer: "head", channels: 61 },
    ],
  });
  expect(rowChannels(convs.slice(1, 2), block)).toEqual({ block, layers: 1, offLayers: 0, off: [] });
});

it("keeps a long list to what fits in a message, and counts the rest", () => {
  const convs = Array.from({ length: 400 }, (_, index) => ({
    layer: `${"x".repeat(300)}/${index}`,
    reads: 5,
    writes: 5,
  }));
  const found = rowChannels(convs, block);
  expect(found).toMatchObject({ layers: 400, offLayers: 400 });
  expect(found.off).toHaveLength(24);
  expect(found.off[3]?.layer).toMatch(/^x{78}\/3$/);
});
