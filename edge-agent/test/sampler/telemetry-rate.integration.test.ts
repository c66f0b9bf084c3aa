import { eventually, requireSystem } from "@edgewatt/testing";
import { describe, expect, it } from "vitest";
import { SamplerRig } from "./sampler-rig.ts";

const AT = 0x40;
const CHIPS = [{ type: "ina219", address: AT, channels: [{ volts: 5, amps: 0.8 }] }] as const;
/** µs from one row to the next where none is missing: the most frequent difference. */
function usualStep(tUs: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const [i, t] of tUs.slice(1).entries()) {
    const step = t - (tUs[i] ?? 0);
    counts.set(step, (counts.get(step) ?? 0) + 1);
  }
  return [...counts].toSorted((a, b) => b[1] - a[1])[0]?.[0] ?? Number.NaN;
}

const gcc = requireSystem("gcc");
describe.skipIf(gcc.skip)(`the rate of telemetry ${gcc.reason}`, () => {
  it("is up to a thousand rows a second outside jobs, and ten inside", async () => {
    const config = { address: AT, resolutionBits: 10 };
    await using rig = await SamplerRig.start({ chips: CHIPS }, [{ source: "ina219", config }], 1000);
    const fast = await rig.next(2000);
    expect(usualStep(fast.map(({ tUs }) => tUs))).toBe(1000);
    for (const { w, wMin, wMax, v, a } of fast) {
      expect(w).toBeCloseTo(4, 1);
      expect(wMin).toBeLessThanOrEqual(w);
      expect(wMax).toBeGreaterThanOrEqual(w);
      expect(v).toBeCloseTo(5, 1);
      expect(a).toBeCloseTo(0.8, 1);
    }
    rig.sampler.setRate({ rate: "full", keepS: 0 });
    await eventually(async () => expect(usualStep((await rig.next(5)).map(({ tUs }) => tUs))).toBe(100_000));
    rig.sampler.setRate("idle");
    await eventually(async () => expect(usualStep((await rig.next(500)).map(({ tUs }) => tUs))).toBe(1000));
  });

  it("is not above that of the meter, as nothing is known between two readings", async () => {
    const config = { address: AT, averaging: 8 };
    await using rig = await SamplerRig.start({ chips: CHIPS }, [{ source: "ina219", config }], 1000);
    const rows = await rig.next(200);
    // Two quantities of eight conversions of 532 µs.
    expect(usualStep(rows.map(({ tUs }) => tUs))).toBe(8512);
  });
});
