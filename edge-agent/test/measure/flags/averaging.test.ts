import { expect, it } from "vitest";
import { measureStretch } from "../../../src/measure/energy.ts";
import { averagingFlags } from "../../../src/measure/flags/averaging.ts";

const WINDOW_S = 10;

/** What part of a window's energy above idle is missing, over all phases of readings that average for `averagingS`. */
function lostShare(averagingS: number): number {
  const phases = 200;
  let lost = 0;
  for (let phase = 0; phase < phases; phase++) {
    const count = Math.ceil(WINDOW_S / averagingS) + 8;
    const middles = Array.from({ length: count }, (_, i) => (i - 4 + phase / phases) * averagingS);
    const inside = (t: number) => Math.min(t + averagingS / 2, WINDOW_S) - Math.max(t - averagingS / 2, 0);
    const watts = middles.map((t) => Math.max(0, inside(t)) / averagingS);
    const trace = {
      tUs: Float64Array.from(middles, (t) => t * 1e6),
      watts: Float64Array.from(watts),
      joules: null,
    };
    lost += 1 - (measureStretch(trace, 0, WINDOW_S * 1e6)?.joules ?? Number.NaN) / WINDOW_S;
  }
  return lost / phases;
}

it.each([0.1, 0.5])("tells what readings that average for %s s lose at the edges of a window", (averagingS) => {
  const [flag = ""] = averagingFlags({ averagingUs: averagingS * 1e6, accumulates: false }, { windowS: WINDOW_S });
  const told = Number(/about ([\d.]+) % of the net energy/.exec(flag)?.[1]) / 100;
  expect(told).toBeCloseTo(lostShare(averagingS), 3);
});

it("is silent for short averages, for running totals and without a meter", () => {
  expect(averagingFlags({ averagingUs: 20_000, accumulates: false }, { windowS: WINDOW_S })).toEqual([]);
  expect(averagingFlags({ averagingUs: 2e6, accumulates: true }, { windowS: WINDOW_S })).toEqual([]);
  expect(averagingFlags(undefined, { windowS: WINDOW_S })).toEqual([]);
});
