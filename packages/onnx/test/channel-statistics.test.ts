import { expect, it } from "vitest";
import { ChannelMeter } from "../src/channel-statistics.ts";

it("gathers each channel over images, positions and batches", () => {
  const meter = new ChannelMeter();
  meter.add({ type: "float32", dims: [2, 2, 2], data: Float32Array.of(1, 2, -5, 0, 3, 6, 5, 0) });
  meter.add({ type: "float32", dims: [1, 2, 2], data: Float32Array.of(0, 0, 0, 0) });
  const { min, max, mean, std } = meter.statistics();
  expect([...min]).toEqual([0, -5]);
  expect([...max]).toEqual([6, 5]);
  expect([...mean]).toEqual([2, 0]);
  expect(std[0]).toBeCloseTo(Math.sqrt(50 / 6 - 4), 12);
  expect(std[1]).toBeCloseTo(Math.sqrt(50 / 6), 12);
});
