import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { expect, it } from "vitest";
import type { WeightView } from "../../src/channels/weight-view.ts";
import { compensate } from "../../src/repair/compensate.ts";

const SAMPLES = 200;
const [BLOCKS, TAPS, OUTPUTS] = [4, 3, 2];

it("lets channels do the work of one that is their sum, at every tap", () => {
  const generator = xoroshiro128plus(1);
  const random = (): number => uniformFloat64(generator) * 2 - 1;
  const samples = Array.from({ length: SAMPLES }, () => {
    const [a, b, c] = [random(), random(), random()];
    return [a, b, c, 0.5 * a - 2 * c];
  });
  const covariance = new Float32Array(BLOCKS * BLOCKS);
  const means = Array.from(
    { length: BLOCKS },
    (_, block) => samples.reduce((sum, x) => sum + (x[block] ?? 0), 0) / SAMPLES,
  );
  for (let index = 0; index < covariance.length; index++) {
    const [row, column] = [Math.floor(index / BLOCKS), index % BLOCKS];
    covariance[index] = samples.reduce(
      (sum, x) => sum + ((x[row] ?? 0) - (means[row] ?? 0)) * ((x[column] ?? 0) - (means[column] ?? 0)),
      0,
    );
  }
  const view: WeightView = {
    outputs: OUTPUTS,
    blocks: BLOCKS,
    taps: TAPS,
    members: [0, 1, 2, 3],
    at: (output, block, tap) => (output * BLOCKS + block) * TAPS + tap,
  };
  const weights = Float32Array.from({ length: OUTPUTS * BLOCKS * TAPS }, random);
  const result = compensate(weights, view, { covariance, columns: SAMPLES }, (block) => block === 3);
  for (let output = 0; output < OUTPUTS; output++) {
    for (let tap = 0; tap < TAPS; tap++) {
      const weight = (block: number): number => weights[view.at(output, block, tap)] ?? 0;
      const found = [0, 1, 2].map((block) => result[view.at(output, block, tap)] ?? 0);
      expect(found[0]).toBeCloseTo(weight(0) + 0.5 * weight(3), 5);
      expect(found[1]).toBeCloseTo(weight(1), 5);
      expect(found[2]).toBeCloseTo(weight(2) - 2 * weight(3), 5);
    }
  }
});

it("changes nothing where all channels stay", () => {
  const view: WeightView = { outputs: 1, blocks: 2, taps: 1, members: [0, 1], at: (_output, block) => block };
  const weights = Float32Array.of(1, 2);
  expect(compensate(weights, view, { covariance: Float32Array.of(1, 0, 0, 1), columns: 9 }, () => false)).toEqual(
    weights,
  );
});
