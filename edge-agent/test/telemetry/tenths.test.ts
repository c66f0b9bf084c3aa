import { describe, expect, it } from "vitest";
import { Tenths, type Tenth } from "../../src/telemetry/tenths.ts";

/** Intervals that end at these times; figures follow from their position. */
function block(times: readonly number[]) {
  const column = (of: (i: number) => number) => Float64Array.from(times, (_, i) => of(i));
  return {
    tUs: Float64Array.from(times),
    w: column((i) => i),
    wMin: column((i) => i - 1),
    wMax: column((i) => i + 1),
    v: column(() => 5),
    a: column(() => Number.NaN),
  };
}

function join(...blocks: ReturnType<typeof block>[]): Tenth[] {
  const tenths = new Tenths();
  const found: Tenth[] = [];
  for (const some of blocks) tenths.add(some, (tenth) => found.push(tenth));
  return found;
}

describe("Tenths", () => {
  it("passes tenths as they are", () => {
    const found = join(block([100_000, 200_000]), block([300_000]));
    expect(found.map(({ tUs }) => tUs)).toEqual([100_000, 200_000, 300_000]);
    expect(found[1]).toEqual({ tUs: 200_000, w: 1, wMin: 0, wMax: 2, v: 5, a: Number.NaN });
  });

  it("joins milliseconds, wherever blocks end, with mean and extremes", () => {
    const times = Array.from({ length: 250 }, (_, i) => (i + 1) * 1000);
    const whole = join(block(times));
    expect(whole.map(({ tUs }) => tUs)).toEqual([100_000, 200_000]);
    expect(whole[0]).toMatchObject({ w: 49.5, wMin: -1, wMax: 100, v: 5 });
    const halves = join(block(times.slice(0, 130)), block(times.slice(130)));
    expect(halves.map(({ tUs }) => tUs)).toEqual([100_000, 200_000]);
  });

  it("gives no more than ten a second where intervals do not divide a tenth", () => {
    const times = Array.from({ length: 2000 }, (_, i) => Math.round((i + 1) * 1067));
    const found = join(block(times));
    const tenths = found.map(({ tUs }) => Math.ceil(tUs / 100_000));
    expect(new Set(tenths).size).toBe(tenths.length);
  });

  it("does not join across a silence", () => {
    expect(join(block([1000, 2000, 900_000, 901_000])).map(({ tUs }) => tUs)).toEqual([2000, 900_000]);
  });
});
