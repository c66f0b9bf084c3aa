import { describe, expect, it } from "vitest";
import type { WeightView } from "../../src/channels/weight-view.ts";
import { weightEnergy } from "../../src/choose/energy.ts";

/** Weights as a linear layer behind a Flatten has them, [outputs][blocks][taps]. */
function flattened(outputs: number, blocks: number, taps: number): WeightView {
  return { outputs, blocks, taps, members: [], at: (output, block, tap) => (output * blocks + block) * taps + tap };
}

describe("the energy of a layer's weights", () => {
  it("is W Wᵀ, with each output scaled as behind the layer", () => {
    const weights = Float32Array.of(1, 2, 3, 4);
    expect([...weightEnergy(weights, flattened(2, 2, 1), undefined)]).toEqual([10, 14, 14, 20]);
    expect([...weightEnergy(weights, flattened(2, 2, 1), Float64Array.of(1, 2))]).toEqual([37, 50, 50, 68]);
  });

  it.each([
    ["6 × 6, as of AlexNet", 4096, 36],
    ["4 × 4", 4096, 16],
    ["3 × 3 of very many outputs", 8192, 9],
  ])("sees every tap of kernels of %s, though only some of the weights", (_what, outputs, taps) => {
    const view = flattened(outputs, 1, taps);
    for (let only = 0; only < taps; only++) {
      const weights = Float32Array.from({ length: outputs * taps }, (_, index) => (index % taps === only ? 1 : 0));
      const [seen = 0] = weightEnergy(weights, view, undefined);
      const all = weightEnergy(new Float32Array(outputs * taps).fill(1), view, undefined)[0] ?? 0;
      expect(seen / all).toBeCloseTo(1 / taps, 2);
    }
  });
});
