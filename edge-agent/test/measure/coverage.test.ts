import { describe, expect, it } from "vitest";
import { measureStretch } from "../../src/measure/energy.ts";
import { energyOf } from "../../src/measure/row-energy.ts";
import { halfWidth95, mean } from "../../src/measure/statistics.ts";
import { figuresOf, type MeasuredWindow } from "../../src/measure/window-figures.ts";
import type { ErrorLimits } from "../../src/sensors/sensor.ts";
import { bursts, constant, INA219_LIKE, normal, read, seeded } from "./waveforms.ts";

const RUNS = 500;
const WINDOWS = 5;
const WINDOW_S = 2;
const IDLE_S = 1;
const VOLTS = 5.1;
/** The supply gives way under load. */
const DROP_V = 0.08;
const INFERENCE_S = 0.006;
const DUTY = 0.7;
const IDLE_W = 2.8;
/** Of the board's power from window to window. */
const SPREAD = 0.004;

/** INA219 with a 1 % shunt of 0.1 ohm: gain of current and voltage 0.5 % each, 100 µV and one bus LSB of offset (SBOS448G, 6.5). */
const LIMITS: ErrorLimits = {
  gain: { shuntTolerance: 0.01, currentGain: 0.005, busGain: 0.005 },
  offsetA: 0.001,
  offsetV: 0.004,
  timeBase: 0,
};

const MEAN_W = 3 + 1.8 * DUTY;
const TRUTH = { gross: MEAN_W * INFERENCE_S * 1000, net: (MEAN_W - IDLE_W) * INFERENCE_S * 1000 };

/** One row: a meter with errors of its own, and windows that differ, with the energy of each by the real estimator. */
function simulate(seed: number) {
  const random = seeded(seed);
  const within = (limit: number) => (2 * random() - 1) * limit;
  const gain = Object.values(LIMITS.gain).reduce((sum, limit) => sum + within(limit), 0);
  const offsetA = within(LIMITS.offsetA);
  const offsetV = within(LIMITS.offsetV);
  const meter = (watts: number, volts: number) => ({
    ...INA219_LIKE,
    random,
    gain,
    offsetW: volts * offsetA + (watts / volts) * offsetV,
  });
  const idle = () => {
    const wave = constant(IDLE_W * (1 + (SPREAD / 4) * normal(random)));
    const trace = read(wave, meter(IDLE_W, VOLTS), 1, 1 + IDLE_S);
    return measureStretch(trace, 1e6, (1 + IDLE_S) * 1e6, { volts: VOLTS });
  };
  const windows = Array.from({ length: WINDOWS }, (_, block): MeasuredWindow => {
    const factor = 1 + SPREAD * normal(random);
    const wave = bursts(3 * factor, 4.8 * factor, INFERENCE_S, DUTY);
    const volts = VOLTS - DROP_V;
    const images = Math.ceil(WINDOW_S / INFERENCE_S);
    const toS = 1.002 + images * INFERENCE_S;
    const trace = read(wave, meter(MEAN_W, volts), 1.002, toS);
    return {
      block,
      run: {
        type: "window",
        t0Us: 1.002e6,
        t1Us: toS * 1e6,
        startsUs: new Float64Array(images),
        latenciesMs: new Float64Array(images).fill(INFERENCE_S * 1000),
        gcMs: 0,
        peakMb: 90,
      },
      power: measureStretch(trace, 1.002e6, toS * 1e6, { volts }),
      idleBefore: idle(),
      idleAfter: idle(),
      faults: [],
      idleFaults: [],
      periodUs: 1e6 / INA219_LIKE.rateHz,
      machine: { before: { throttled: null }, after: { throttled: null } },
    };
  });
  return energyOf(windows.map(figuresOf), { limits: LIMITS, accumulates: false }).energyMj;
}

describe("the stated 95 % interval", () => {
  const rows = Array.from({ length: RUNS }, (_, run) => simulate(run + 1));
  const shareCovered = (kind: "gross" | "net", halfWidth: "HalfWidth95" | "Repetition95") =>
    rows.filter((row) => Math.abs((row[kind] ?? 0) - TRUTH[kind]) <= (row[`${kind}${halfWidth}`] ?? 0)).length / RUNS;

  it.each(["gross", "net"] as const)("covers the true %s energy in 93 to 99.5 % of simulated runs", (kind) => {
    const covered = shareCovered(kind, "HalfWidth95");
    expect(covered).toBeGreaterThanOrEqual(0.93);
    expect(covered).toBeLessThanOrEqual(0.995);
  });

  it("would not cover it with repetition alone, which does not see the meter's errors", () => {
    expect(shareCovered("gross", "Repetition95")).toBeLessThan(0.8);
  });

  it("is made of both parts in quadrature", () => {
    for (const { grossHalfWidth95, grossRepetition95, grossMeter95 } of rows) {
      expect(grossRepetition95).toBeGreaterThan(0);
      expect(grossMeter95).toBeGreaterThan(0);
      expect(grossHalfWidth95).toBeCloseTo(Math.hypot(Number(grossRepetition95), Number(grossMeter95)), 12);
    }
  });
});

/** Windows until the half-width is 1 % of the mean, 5 to 20 of them, as the method has it; `spread` is their standard deviation. */
function stopAtTarget(spread: number, random: () => number): boolean {
  const values: number[] = [];
  let halfWidth = Infinity;
  while (values.length < 5 || (halfWidth > 0.01 * mean(values) && values.length < 20)) {
    values.push(1 + spread * normal(random));
    halfWidth = halfWidth95(values) ?? Infinity;
  }
  return Math.abs(mean(values) - 1) <= halfWidth;
}

describe("the interval of a row that stops as soon as it looks precise", () => {
  it.each([0.003, 0.01, 0.02, 0.03])("covers a little less than 95 %%, but never below 91 %%: spread %d", (spread) => {
    const random = seeded(20);
    const runs = 10_000;
    const covered = Array.from({ length: runs }, () => stopAtTarget(spread, random)).filter(Boolean).length / runs;
    expect(covered).toBeGreaterThan(0.91);
    expect(covered).toBeLessThan(0.96);
  });
});
