import { describe, expect, it } from "vitest";
import { ConversionClock } from "../../../src/sensors/ina228/conversion-clock.ts";

const NOMINAL_US = 17_280;
const QUESTION_US = 120;

/** Asks a chip whose cycles take `ratio` of their nominal time: early enough each `every` cycles to see one end. */
function ask(
  clock: ConversionClock,
  { ratio, seconds, fromUs = 1e9, every = 3, pollUs = 200, nominalUs = NOMINAL_US }: AskOptions,
): number {
  const cycleUs = ratio * nominalUs;
  let nowUs = fromUs;
  let cycle = Math.ceil(fromUs / cycleUs);
  while (nowUs < fromUs + seconds * 1e6) {
    cycle += every;
    const endUs = cycle * cycleUs;
    // A different phase each time: the end lies anywhere between two questions.
    nowUs = endUs - pollUs * (0.5 + ((cycle * 0.618) % 1));
    while (nowUs + QUESTION_US / 2 < endUs) {
      clock.notYet(nowUs);
      nowUs += pollUs;
    }
    nowUs += QUESTION_US;
    clock.result(nowUs);
  }
  return nowUs;
}

interface AskOptions {
  ratio: number;
  seconds: number;
  fromUs?: number;
  every?: number;
  pollUs?: number;
  nominalUs?: number;
}

describe("the clock of conversions", () => {
  it.each([0.991, 0.995, 1, 1.005, 1.009])(
    "finds that cycles take %d of their nominal time, within its limit",
    (ratio) => {
      const clock = new ConversionClock(NOMINAL_US);
      expect(clock.isSought).toBe(true);
      ask(clock, { ratio, seconds: 7 });
      expect(clock.isKnown).toBe(true);
      expect(clock.limit).toBeLessThan(2e-4);
      expect(Math.abs(clock.ratio / ratio - 1)).toBeLessThanOrEqual(clock.limit);
      expect(clock.isSought).toBe(false);
    },
  );

  it("corrects nothing before it knows", () => {
    const clock = new ConversionClock(NOMINAL_US);
    ask(clock, { ratio: 1.005, seconds: 3 });
    expect([clock.isKnown, clock.ratio]).toEqual([false, 1]);
  });

  it("counts cycles that nobody asked for, and begins again where their number is in doubt", () => {
    const clock = new ConversionClock(NOMINAL_US);
    const ratio = 0.9953;
    let nowUs = ask(clock, { ratio, seconds: 2 });
    nowUs = ask(clock, { ratio, seconds: 2, fromUs: nowUs + 1e6 });
    nowUs = ask(clock, { ratio, seconds: 8, fromUs: nowUs + 3600e6 });
    expect(Math.abs(clock.ratio / ratio - 1)).toBeLessThanOrEqual(clock.limit);
  });

  it("follows a drift", () => {
    const clock = new ConversionClock(NOMINAL_US);
    let nowUs = 1e9;
    for (const ratio of [1.004, 1.0044, 1.0048]) {
      nowUs = ask(clock, { ratio, seconds: 12, fromUs: nowUs });
      expect(Math.abs(clock.ratio / ratio - 1)).toBeLessThan(2e-4);
    }
  });

  it("believes no length that is no oscillator's error", () => {
    const clock = new ConversionClock(NOMINAL_US);
    ask(clock, { ratio: 1.03, seconds: 40 });
    expect([clock.isKnown, clock.ratio]).toEqual([false, 1]);
    expect(clock.isSought).toBe(false);
  });

  it("takes no end that lies between questions too far apart", () => {
    const clock = new ConversionClock(NOMINAL_US);
    ask(clock, { ratio: 1.005, seconds: 20, pollUs: 2000 });
    expect(clock.isKnown).toBe(false);
  });

  it("is not sought where cycles are as short as questions", () => {
    const clock = new ConversionClock(1080);
    expect(clock.isSought).toBe(false);
    ask(clock, { ratio: 1.005, seconds: 10, nominalUs: 1080 });
    expect(clock.isKnown).toBe(false);
  });
});
