import { describe, expect, it } from "vitest";
import { systemClock } from "../src/clock.ts";
import { ManualClock } from "../src/manual-clock.ts";

describe("systemClock", () => {
  it("tells integer µs that agree with Date.now() and do not go backwards", () => {
    let last = 0;
    for (let i = 0; i < 10_000; i++) {
      const before = Date.now();
      const nowUs = systemClock.nowUs();
      const after = Date.now();
      expect(Number.isSafeInteger(nowUs)).toBe(true);
      if (after >= before) {
        expect(nowUs).toBeGreaterThanOrEqual(before * 1000);
        expect(nowUs).toBeLessThan((after + 1) * 1000);
        expect(nowUs).toBeGreaterThanOrEqual(last);
      }
      last = nowUs;
    }
  });

  it("resolves less than a millisecond", () => {
    const seen = new Set<number>();
    const untilMs = performance.now() + 5_000;
    while (seen.size <= 100 && performance.now() < untilMs) seen.add(systemClock.nowUs() % 1000);
    expect(seen.size).toBeGreaterThan(100);
  });

  it("wakes a sleeper with the reason of the abort", async () => {
    const stop = new AbortController();
    const sleeping = systemClock.sleep(60_000, stop.signal);
    stop.abort("enough");
    await expect(sleeping).rejects.toBe("enough");
    await expect(systemClock.sleep(1, stop.signal)).rejects.toBe("enough");
  });
});

describe("ManualClock", () => {
  it("fires timers in the order in which they fall due, and moves both clocks alike", async () => {
    const clock = new ManualClock(1_000_000);
    const log: string[] = [];
    using ticks = clock.setInterval(() => log.push(`tick ${clock.nowUs()}`), 10);
    const slept = clock.sleep(25).then(() => log.push(`woke ${clock.monotonicUs()}`));
    await clock.advance(30);
    await slept;
    expect(log).toEqual(["tick 1010000", "tick 1020000", "woke 25000", "tick 1030000"]);
    expect(ticks).toBeDefined();
  });

  it("stops an interval that is disposed and a sleep that is aborted", async () => {
    const clock = new ManualClock();
    let ticks = 0;
    const interval = clock.setInterval(() => ticks++, 10);
    const stop = new AbortController();
    const sleeping = clock.sleep(50, stop.signal);
    await clock.advance(10);
    interval[Symbol.dispose]();
    stop.abort("enough");
    await expect(sleeping).rejects.toBe("enough");
    await clock.advance(100);
    expect(ticks).toBe(1);
  });

  it("wakes what a woken sleeper sleeps again within one advance", async () => {
    const clock = new ManualClock(0);
    const woken: number[] = [];
    const loop = (async () => {
      for (let i = 0; i < 3; i++) {
        await clock.sleep(10);
        woken.push(clock.nowUs());
      }
    })();
    await clock.advance(30);
    await loop;
    expect(woken).toEqual([10_000, 20_000, 30_000]);
  });
});
