import { describe, expect, it } from "vitest";
import type { ErrorLimits } from "../../src/sensors/sensor.ts";
import {
  CLOCK_LIMIT,
  combinedHalfWidth,
  grossStandardMj,
  meterHalfWidth,
  netStandardMj,
  relativeStandard,
} from "../../src/measure/uncertainty.ts";
import { seeded } from "./waveforms.ts";

const none: ErrorLimits = { gain: {}, offsetA: 0, offsetV: 0, timeBase: 0 };
const load = { imageMs: 10, meanW: 4, volts: 5 };
const idle = { meanW: 2, volts: 5.1 };
const ROOT3 = Math.sqrt(3);

describe("uncertainty by the meter's limits", () => {
  it("takes each limit as rectangular and adds causes in quadrature", () => {
    const limits = { ...none, gain: { shunt: 0.03, chip: 0.04 }, timeBase: 0.12 };
    expect(relativeStandard(limits, false)).toBeCloseTo(Math.hypot(0.05, CLOCK_LIMIT) / ROOT3, 12);
    expect(relativeStandard(limits, true)).toBeCloseTo(0.13 / ROOT3, 12);
  });

  it("brings offsets to power through the voltage and the current", () => {
    const clock = (40 * CLOCK_LIMIT) / ROOT3;
    expect(grossStandardMj({ ...none, offsetA: 0.002 }, false, load)).toBeCloseTo(Math.hypot(0.1 / ROOT3, clock), 9);
    expect(grossStandardMj({ ...none, offsetV: 0.01 }, false, load)).toBeCloseTo(Math.hypot(0.08 / ROOT3, clock), 9);
  });

  it("knows nothing about offsets of a meter without a voltage, and needs none where there are no offsets", () => {
    const blind = { ...load, volts: Number.NaN };
    expect(grossStandardMj({ ...none, offsetA: 0.002 }, false, blind)).toBeNaN();
    expect(grossStandardMj({ ...none, gain: { chip: 0.01 } }, false, blind)).toBeGreaterThan(0.2);
  });

  it("keeps for net energy what errors of one meter leave of the difference: the same as errors drawn at random", () => {
    const limits: ErrorLimits = { gain: { shunt: 0.01, chip: 0.005 }, offsetA: 0.02, offsetV: 0.05, timeBase: 0 };
    const random = seeded(5);
    const within = (limit: number) => (2 * random() - 1) * limit;
    const errors = Array.from({ length: 20_000 }, () => {
      const [g, c, a, v] = [within(0.01) + within(0.005), within(CLOCK_LIMIT), within(0.02), within(0.05)];
      const read = (watts: number, volts: number) => watts * (1 + g + c) + volts * a + (watts / volts) * v;
      const net = (read(load.meanW, load.volts) - read(idle.meanW, idle.volts)) * load.imageMs;
      return net - (load.meanW - idle.meanW) * load.imageMs;
    });
    const rms = Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / errors.length);
    expect(netStandardMj(limits, false, load, idle) / rms).toBeCloseTo(1, 1);
    expect(netStandardMj(limits, false, load, idle)).toBeLessThan(grossStandardMj(limits, false, load) / 2);
  });

  it("covers with k = 2, and leaves either part as it is where the other is none", () => {
    expect(meterHalfWidth(0.4)).toBe(0.8);
    expect(combinedHalfWidth(3, 4)).toBe(5);
    expect(combinedHalfWidth(3, 0)).toBe(3);
    expect(combinedHalfWidth(0, 4)).toBe(4);
  });
});
