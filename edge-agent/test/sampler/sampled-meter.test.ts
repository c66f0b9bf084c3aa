import { describe, expect, it } from "vitest";
import { DeviceError } from "../../src/errors.ts";
import type { SampledFault } from "../../src/sampler/fault.ts";
import { SampledMeter } from "../../src/sampler/sampled-meter.ts";
import type { Reading, Sensor } from "../../src/sensors/sensor.ts";

const PERIOD_US = 1000;
/** Time that one transfer takes. */
const TRANSFER_US = 120;

/**
 * A meter read on a clock that only its own waits and transfers move. The chip ends a conversion every `cycleUs`; each reading's
 * `tUs` is when it was fetched, and `number` which conversion it was.
 */
function simulate(options: { cycleUs: number; hasOwnClock?: boolean; fail?: (reading: number) => boolean }) {
  const { cycleUs, hasOwnClock = true, fail = () => false } = options;
  let nowUs = 0;
  let fetched = -1;
  let attempts = 0;
  const readings: { atUs: number; endedUs: number; number: number }[] = [];
  const faults: SampledFault[] = [];
  let opened = 0;
  const sensor: Sensor = {
    rateHz: 1e6 / PERIOD_US,
    hasOwnClock,
    accumulates: false,
    channels: [{ settings: {}, limits: null, averagingUs: PERIOD_US }],
    read(into: readonly Reading[]) {
      attempts += 1;
      nowUs += TRANSFER_US;
      if (fail(attempts)) throw new RangeError("no answer");
      const number = Math.floor(nowUs / cycleUs);
      if (hasOwnClock && number === fetched) return false;
      fetched = number;
      readings.push({ atUs: nowUs, endedUs: number * cycleUs, number });
      const [reading] = into;
      if (reading !== undefined) Object.assign(reading, { tUs: nowUs, watts: 1 });
      return true;
    },
    [Symbol.dispose]: () => {},
  };
  const events = {
    onOpened: () => (opened += 1),
    onInterval: () => {},
    onFault: (fault: SampledFault) => faults.push(fault),
  };
  const meter = new SampledMeter(
    () => Promise.resolve(sensor),
    events,
    () => nowUs,
  );
  const run = async (seconds: number) => {
    const endUs = nowUs + seconds * 1e6;
    while (nowUs < endUs) {
      nowUs = Math.max(nowUs, meter.dueUs);
      if (meter.isOpen) meter.turn();
      else await meter.open();
    }
  };
  return { meter, run, readings, faults, opens: () => opened, attempts: () => attempts };
}

describe("a meter at full rate", () => {
  // Datasheets allow the chips' oscillators 10 % either way.
  it.each([900, 1000, 1100])("is read once per conversion of %i µs, right after it has ended", async (cycleUs) => {
    const { meter, run, readings, attempts } = simulate({ cycleUs });
    meter.setRate("full", 1, 10);
    await run(1);
    const settled = readings.slice(100);
    for (const [i, { number, atUs, endedUs }] of settled.entries()) {
      if (i > 0) expect(number - (settled[i - 1]?.number ?? 0)).toBe(1);
      expect(atUs - endedUs).toBeLessThan(400);
    }
    expect(settled.length).toBeGreaterThan(0.85 * (1e6 / cycleUs));
    expect(attempts() / readings.length).toBeLessThan(2.5);
  });

  it("keeps its absolute schedule when it has no clock of its own", async () => {
    const { meter, run, readings } = simulate({ cycleUs: 1, hasOwnClock: false });
    meter.setRate("full", 1, 10);
    await run(1);
    for (const [i, { atUs }] of readings.entries()) expect(atUs).toBeCloseTo(i * PERIOD_US + TRANSFER_US, 6);
  });
});

describe("a meter that fails", () => {
  it("loses readings, and is opened again a second after ten in a row", async () => {
    const { meter, run, readings, faults, opens } = simulate({
      cycleUs: 1000,
      fail: (attempt) => attempt > 50 && attempt <= 60,
    });
    meter.setRate("full", 1, 10);
    await run(2);
    expect(faults).toHaveLength(10);
    expect(opens()).toBe(2);
    const gaps = readings.slice(1).map(({ atUs }, i) => atUs - (readings[i]?.atUs ?? 0));
    expect(Math.max(...gaps)).toBeGreaterThan(1e6);
    expect(Math.max(...gaps)).toBeLessThan(1.05e6);
  });

  it("that never has a conversion is told as not ready", async () => {
    const { meter, run, faults } = simulate({ cycleUs: 1e12 });
    meter.setRate(10, 1, 10);
    await run(0.5);
    expect(faults.length).toBeGreaterThan(0);
    expect(new Set(faults.map(({ code }) => code))).toEqual(new Set(["not-ready"]));
  });
});

describe("a meter with a fault on one of its channels", () => {
  /** Two channels, of which the second fails from its reading `from` to its reading `to`. */
  function twoChannels({ from, to, both = false }: { from: number; to: number; both?: boolean }) {
    let nowUs = 0;
    let reads = 0;
    const faults: (number | undefined)[] = [];
    const intervals = [0, 0];
    let opened = 0;
    const channel = { settings: {}, limits: null, averagingUs: PERIOD_US };
    const sensor: Sensor = {
      rateHz: 1e6 / PERIOD_US,
      hasOwnClock: false,
      accumulates: false,
      channels: [channel, channel],
      read(into: readonly Reading[]) {
        reads += 1;
        nowUs += TRANSFER_US;
        const failing = reads >= from && reads <= to;
        for (const [i, reading] of into.entries()) {
          const fault = failing && (i === 1 || both) ? new DeviceError("too much", { code: "overflow" }) : undefined;
          Object.assign(reading, { tUs: nowUs, watts: i + 1, fault });
        }
        return true;
      },
      [Symbol.dispose]: () => {},
    };
    const meter = new SampledMeter(
      () => Promise.resolve(sensor),
      {
        onOpened: () => (opened += 1),
        onInterval: (index) => (intervals[index] = (intervals[index] ?? 0) + 1),
        onFault: (_, index) => faults.push(index),
      },
      () => nowUs,
    );
    const run = async (seconds: number) => {
      const endUs = nowUs + seconds * 1e6;
      while (nowUs < endUs) {
        nowUs = Math.max(nowUs, meter.dueUs);
        if (meter.isOpen) meter.turn();
        else await meter.open();
      }
    };
    const kept = (index: number) => meter.ring(index)?.slice(0, Infinity);
    return { meter, run, faults, intervals, kept, opens: () => opened };
  }

  it("keeps every reading of the other, and the figures of none of its own", async () => {
    const { meter, run, faults, intervals, kept, opens } = twoChannels({ from: 101, to: 600 });
    meter.setRate("full", 2, 10);
    await run(1);
    expect(faults).toEqual(Array.from({ length: 500 }, () => 1));
    expect(opens()).toBe(1);
    const [whole, holed] = [kept(0), kept(1)];
    expect((whole?.tUs.length ?? 0) - (holed?.tUs.length ?? 0)).toBe(500);
    expect(new Set(whole?.watts)).toEqual(new Set([1]));
    expect(new Set(holed?.watts)).toEqual(new Set([2]));
    expect(intervals[0]).toBeGreaterThanOrEqual(9);
    expect((intervals[0] ?? 0) - (intervals[1] ?? 0)).toBeGreaterThanOrEqual(4);
  });

  it("is opened again when none of its channels gives anything", async () => {
    const { meter, run, opens } = twoChannels({ from: 101, to: 110, both: true });
    meter.setRate("full", 1, 10);
    await run(2);
    expect(opens()).toBe(2);
  });
});
