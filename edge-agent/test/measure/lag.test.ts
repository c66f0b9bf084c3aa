import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { describe, expect, it } from "vitest";
import type { Trace } from "../../src/measure/energy.ts";
import { estimateLag, type LoadStep } from "../../src/measure/lag.ts";
import { alignmentFlags } from "../../src/measure/flags/alignment.ts";

const IDLE_W = 3;
const STEP_W = 0.8;

const STEPS: LoadStep[] = Array.from({ length: 10 }, (_, i) => {
  const onUs = 1_000_000 + i * 1_000_000 + (i * (i - 1) * 10_000) / 2;
  return { onUs, offUs: onUs + 500_000 };
});
const END_US = (STEPS.at(-1)?.offUs ?? 0) + 700_000;

/** Mean load of [t − box, t] when it is seen `lagUs` late; the box's end is what t names here. */
function load(t: number, boxUs: number, lagUs: number): number {
  let covered = 0;
  for (const { onUs, offUs } of STEPS) {
    covered += Math.max(0, Math.min(t - lagUs, offUs) - Math.max(t - boxUs - lagUs, onUs));
  }
  return covered / boxUs;
}

/** Seeded noise of a normal distribution (Box and Muller 1958). */
function createNoise(seed: number): () => number {
  const random = xoroshiro128plus(seed);
  return () => Math.sqrt(-2 * Math.log(1 - uniformFloat64(random))) * Math.cos(2 * Math.PI * uniformFloat64(random));
}

/** A meter that reads every `periodUs` the mean of the conversion before, and stamps its middle. */
function sampled(of: { periodUs: number; lagUs: number; noiseW?: number; driftW?: number; stepW?: number }): Trace {
  const { periodUs, lagUs, noiseW = 0, driftW = 0, stepW = STEP_W } = of;
  const noise = createNoise(11);
  const tUs: number[] = [];
  const watts: number[] = [];
  for (let t = periodUs; t < END_US; t += periodUs) {
    tUs.push(t - periodUs / 2);
    watts.push(IDLE_W + stepW * load(t, periodUs, lagUs) + noiseW * noise() + (driftW * t) / END_US);
  }
  return { tUs: Float64Array.from(tUs), watts: Float64Array.from(watts), joules: null };
}

describe("estimateLag", () => {
  it.each([0, 1.7, -3.3, 5.3, 60])("finds a lag of %s ms to a fiftieth of a millisecond at 940 Hz", (lagMs) => {
    const lag = estimateLag(sampled({ periodUs: 1064, lagUs: lagMs * 1000 }), 1064, STEPS);
    expect(lag?.steps).toBe(10);
    expect(Math.abs((lag?.ms ?? Infinity) - lagMs)).toBeLessThan(0.02);
    expect(lag?.halfWidth95Ms).toBeLessThan(0.05);
  });

  it("covers the truth within its half-width under noise and drift", () => {
    const noisy = sampled({ periodUs: 1064, lagUs: 2500, noiseW: 0.2, driftW: 0.5 });
    const lag = estimateLag(noisy, 1064, STEPS);
    const error = Math.abs((lag?.ms ?? Infinity) - 2.5);
    expect(error).toBeLessThan(0.5);
    expect(error).toBeLessThan(2 * (lag?.halfWidth95Ms ?? 0));
    expect(lag?.halfWidth95Ms).toBeLessThan(0.6);
  });

  it("knows of a slow meter what its period allows, and says so", () => {
    const lag = estimateLag(sampled({ periodUs: 100_000, lagUs: 5000 }), 100_000, STEPS);
    expect(Math.abs((lag?.ms ?? Infinity) - 5)).toBeLessThan((lag?.halfWidth95Ms ?? 0) + 0.5);
    expect(lag?.halfWidth95Ms).toBeLessThan(20);
  });

  it("takes the energy of running totals between their readings", () => {
    const { tUs } = sampled({ periodUs: 2000, lagUs: 0 });
    let total = 0;
    const joules = tUs.map((t) => (total += (IDLE_W + STEP_W * load(t, 2000, 4000)) * 0.002));
    const watts = new Float64Array(tUs.length).fill(Number.NaN);
    const lag = estimateLag({ tUs, watts, joules }, 2000, STEPS);
    expect(Math.abs((lag?.ms ?? Infinity) - 4)).toBeLessThan(0.05);
  });

  it("finds nothing where the load does not show, or where there is nothing", () => {
    expect(estimateLag(sampled({ periodUs: 1064, lagUs: 0, noiseW: 0.1, stepW: 0 }), 1064, STEPS)).toBeUndefined();
    expect(estimateLag(sampled({ periodUs: 1064, lagUs: 0, stepW: 0 }), 1064, STEPS)).toBeUndefined();
    expect(
      estimateLag(sampled({ periodUs: 100_000, lagUs: 0, noiseW: 0.1, stepW: 0 }), 100_000, STEPS),
    ).toBeUndefined();
    const none = { tUs: new Float64Array(), watts: new Float64Array(), joules: null };
    expect(estimateLag(none, 1064, STEPS)).toBeUndefined();
  });
});

describe("alignmentFlags", () => {
  const steps = 10;
  it("are silent on a small lag, and on an estimate", () => {
    expect(alignmentFlags("ina219", { lag: { ms: -1.4, halfWidth95Ms: 0.1, steps } })).toEqual([]);
    expect(alignmentFlags("estimate", { lag: null, lagNote: "cannot" })).toEqual([]);
  });
  it("tell a lag that is large, unsure or unknown", () => {
    expect(alignmentFlags("hwmon", { lag: { ms: 12, halfWidth95Ms: 3, steps } })).toEqual([
      "lag: power follows the load by 12.00 ± 3.00 ms, over 2 ms, so windows hold power of their edges",
    ]);
    expect(alignmentFlags("hwmon", { lag: { ms: 1, halfWidth95Ms: 7, steps } })[0]).toMatch(
      /^lag-unknown: 1.00 ± 7.00 ms/,
    );
    expect(alignmentFlags("pmic", { lag: null, lagNote: "not measured in a quick run" })).toEqual([
      "lag-unknown: not measured in a quick run",
    ]);
  });
});
