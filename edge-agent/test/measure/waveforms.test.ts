import { describe, expect, it } from "vitest";
import { measureStretch } from "../../src/measure/energy.ts";
import {
  bursts,
  constant,
  exponentialBursts,
  INA219_LIKE,
  read,
  sawtooth,
  seeded,
  sine,
  type Waveform,
} from "./waveforms.ts";

const WAVES: readonly Waveform[] = [
  constant(3.7),
  bursts(3, 4.8, 0.5, 0.5),
  sine(4, 0.9, 7),
  sawtooth(2.5, 5, 0.13),
  exponentialBursts(2.9, 6, 0.05, 0.004),
  // The estimator study's inference: 6 ms, busy for 70 % of it.
  bursts(3, 4.8, 0.006, 0.7),
];

const RUNS = 20;

describe("energy of waveforms with a closed form", () => {
  it.each(WAVES)("is within 0.1 % of $name at 900 Hz over 10 s", (wave) => {
    const random = seeded(900);
    for (let run = 0; run < RUNS; run++) {
      const fromS = 1 + random();
      const toS = fromS + 10;
      const stretch = measureStretch(read(wave, { ...INA219_LIKE, random }, fromS, toS), fromS * 1e6, toS * 1e6);
      const truth = wave.joules(toS) - wave.joules(fromS);
      expect(Math.abs((stretch?.joules ?? 0) / truth - 1)).toBeLessThan(0.001);
    }
  });

  it("is as good as the estimator study says for the inference pattern: 10 s at 900 Hz within ±0.02 %", () => {
    const random = seeded(16);
    const wave = bursts(3, 4.8, 0.006, 0.7);
    const errors = Array.from({ length: 60 }, () => {
      const fromS = 1 + random();
      const stretch = measureStretch(
        read(wave, { ...INA219_LIKE, random }, fromS, fromS + 10),
        fromS * 1e6,
        (fromS + 10) * 1e6,
      );
      return (stretch?.joules ?? 0) / (wave.joules(fromS + 10) - wave.joules(fromS)) - 1;
    });
    const rms = Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / errors.length);
    expect(rms).toBeLessThan(0.0003);
    expect(rms).toBeGreaterThan(0);
  });
});
