import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { columnsFor, columnTimes, decimate } from "../../../src/page/chart/decimation.ts";
import { DeviceClock } from "../../../src/page/fleet/device-clock.ts";
import { BIN_MS, HISTORY_MS, PowerHistory } from "../../../src/page/chart/power-history.ts";
import { lineColour } from "../../../src/page/chart/power-colours.ts";
import { MAX_LINES, PowerLines } from "../../../src/page/chart/power-lines.ts";
import { retryDelayMs } from "../../../src/page/connection/retry-delay.ts";
import { RunWindows } from "../../../src/page/fleet/run-windows.ts";

const T0 = 1_760_000_000_000;
const row = (w: number) => ({ w, wMin: w - 1, wMax: w + 1 });

function rowsOf(history: PowerHistory, fromMs = T0 - HISTORY_MS, toMs = T0 + 2 * HISTORY_MS) {
  const rows: { timeMs: number; w: number; wMin: number; wMax: number }[] = [];
  history.visit(fromMs, toMs, (timeMs, w, wMin, wMax) => rows.push({ timeMs, w, wMin, wMax }));
  return rows;
}

describe("a history of power", () => {
  test("telemetry takes the place of live values, never the other way, and a summary is between them", () => {
    const history = new PowerHistory();
    expect(history.add(T0, row(3), "live")).toBe(true);
    expect(history.add(T0, row(4), "summary")).toBe(true);
    expect(history.add(T0 + 20, row(9), "live")).toBe(false);
    expect(history.hasTelemetry(T0, T0 + 1)).toBe(false);
    expect(history.add(T0, row(5), "telemetry")).toBe(true);
    expect(history.add(T0 + 50, row(9), "summary")).toBe(false);
    expect(rowsOf(history)).toEqual([{ timeMs: T0 + BIN_MS / 2, w: 5, wMin: 4, wMax: 6 }]);
    expect(history.hasTelemetry(T0, T0 + 1)).toBe(true);
  });

  test("any order of batches, each sent any number of times, gives what each sent once gives", () => {
    const batches = Array.from({ length: 12 }, (_, batch) =>
      Array.from({ length: 5 }, (__, index) => ({ timeMs: T0 + (batch * 5 + index) * 100 + 7, w: batch + index / 8 })),
    );
    const once = new PowerHistory();
    for (const { timeMs, w } of batches.flat()) once.add(timeMs, row(w), "telemetry");
    const order = fc.array(fc.nat(11), { maxLength: 40 }).map((more) => Array.from(Array(12).keys()).concat(more));
    const shuffled = order.chain((indices) => fc.shuffledSubarray(indices, { minLength: indices.length }));
    fc.assert(
      fc.property(shuffled, (indices) => {
        const history = new PowerHistory();
        for (const batch of indices)
          for (const { timeMs, w } of batches[batch] ?? []) history.add(timeMs, row(w), "telemetry");
        expect(rowsOf(history)).toEqual(rowsOf(once));
      }),
    );
  });

  test("rows of a fast meter are averaged in their tenth, with the extremes of all", () => {
    const history = new PowerHistory();
    for (let ms = 0; ms < 100; ms++) history.add(T0 + ms, row(ms === 50 ? 102 : 2), "telemetry");
    const [only] = rowsOf(history);
    expect(only?.w).toBeCloseTo(3, 4);
    expect(only).toMatchObject({ wMin: 1, wMax: 103 });
  });

  test("an hour leaves its last ten minutes, in the memory of the first row", () => {
    const history = new PowerHistory();
    const before = history.bytes;
    for (let ms = 0; ms < 3_600_000; ms += 100) history.add(T0 + ms, row(2), "live");
    expect(history.bytes).toBe(before);
    expect(history.bytes).toBeLessThan(170_000);
    const rows = rowsOf(history, T0, T0 + 3_600_000);
    expect(rows.length).toBeGreaterThanOrEqual(HISTORY_MS / BIN_MS);
    expect(rows.length).toBeLessThanOrEqual(HISTORY_MS / BIN_MS + 100);
    expect(rows.at(-1)?.timeMs).toBe(T0 + 3_600_000 - BIN_MS / 2);
    expect(history.add(T0, row(9), "telemetry")).toBe(false);
  });
});

describe("a line on columns", () => {
  const columns = { fromMs: T0, stepMs: 1000, count: 20 };
  const plain = { offsetMs: 0, gapMs: 2500 };

  test("keeps the lowest and the highest of each column, in their order", () => {
    const history = new PowerHistory();
    for (let i = 0; i < 20; i++) history.add(T0 + i * 100, row(i === 3 ? 9 : i === 7 ? 1 : 5), "live");
    const { line, low, high } = decimate(history, columns, plain);
    expect(line.slice(0, 4)).toEqual([9, 1, 5, undefined]);
    expect([low[0], high[0], low[1], high[1]]).toEqual([0, 10, 4, 6]);
    expect(Number.isNaN(low[2])).toBe(true);
  });

  test("no peak is lost, wherever columns lie", () => {
    fc.assert(
      fc.property(fc.nat(5999), fc.integer({ min: 50, max: 900 }), fc.nat(3000), (peak, most, shift) => {
        const history = new PowerHistory();
        for (let i = 0; i < 6000; i += 7) history.add(T0 + i * 100, row(2), "live");
        history.add(T0 + peak * 100, row(50), "telemetry");
        const all = columnsFor(T0 + 620_000 + shift, 660_000, most);
        const { line } = decimate(history, all, plain);
        expect(Math.max(...line.map((value) => value ?? 0))).toBe(50);
        expect(all.count).toBeLessThanOrEqual(most);
        expect(columnTimes(all)).toHaveLength(line.length);
      }),
      { numRuns: 30 },
    );
  });

  test("a silence breaks the line over its whole length, a shorter one is bridged", () => {
    const history = new PowerHistory();
    for (const ms of [0, 2000, 8000]) history.add(T0 + ms, row(3), "live");
    const { line } = decimate(history, columns, plain);
    expect(line.slice(0, 6)).toEqual([3, undefined, undefined, undefined, 3, undefined]);
    expect(line.slice(6, 17)).toEqual([...Array(10).fill(null), 3]);
  });

  test("stamps of a clock that is wrong are moved, and memory is used again", () => {
    const history = new PowerHistory();
    history.add(T0 - 3_600_000 + 5500, row(3), "live");
    const first = decimate(history, columns, { ...plain, offsetMs: 3_600_000 });
    expect(first.line[10]).toBe(3);
    const again = decimate(new PowerHistory(), columns, plain, first);
    expect(again).toBe(first);
    expect(again.line.every((value) => value === undefined)).toBe(true);
    expect(decimate(history, { ...columns, count: 5 }, plain, first).line).toHaveLength(10);
  });

  test("columns are whole bins at multiples of their length, so that they stay while time goes on", () => {
    const first = columnsFor(T0 + 123, 300_000, 500);
    const later = columnsFor(T0 + 1500, 300_000, 500);
    expect(first.stepMs).toBe(600);
    expect(first.fromMs % first.stepMs).toBe(0);
    expect((later.fromMs - first.fromMs) % first.stepMs).toBe(0);
    expect(columnsFor(T0, 60_000, 5000).stepMs).toBe(BIN_MS);
  });
});

describe("the clock of a device", () => {
  const hearFor = (clock: DeviceClock, fromMs: number, forMs: number, offsetMs: number) =>
    Array.from({ length: forMs / 100 }, (_, i) => clock.hear(fromMs + i * 100 - offsetMs, fromMs + i * 100 + 20));

  test("is believed within seconds", () => {
    const clock = new DeviceClock();
    expect(new Set(hearFor(clock, T0, 3000, 3000))).toEqual(new Set([true]));
    expect(clock.offsetMs).toBe(0);
  });

  test.each([180_000, -180_000, 86_400_000])(
    "that is off by %d ms is taken account of once it has stayed so",
    (offsetMs) => {
      const clock = new DeviceClock();
      const heard = hearFor(clock, T0, 4000, offsetMs);
      expect(heard[0]).toBe(false);
      expect(heard.filter((answer) => answer === "moved")).toHaveLength(1);
      expect(heard.at(-1)).toBe(true);
      expect(clock.offsetMs).toBe(offsetMs + 20);
      // Then it is synchronized.
      expect(hearFor(clock, T0 + 4000, 1000, 0)[0]).toBe("moved");
      expect(clock.offsetMs).toBe(0);
    },
  );

  test("is not suspected when messages were only held up and come all at once", () => {
    const clock = new DeviceClock();
    for (let i = 0; i < 6000; i++) clock.hear(T0 + i * 100, T0 + 600_000 + i / 10);
    expect(clock.offsetMs).toBe(0);
  });
});

describe("measured windows", () => {
  const window = (fromMs: number) => ({ run: "job/0", title: "model int8", fromMs, toMs: fromMs + 10_000 });

  test("one that is open shows by its rows, and is replaced when it is told", () => {
    const windows = new RunWindows();
    windows.row("job/0", T0 + 100);
    windows.row("job/0", T0 + 600);
    expect(windows.all).toEqual([{ run: "job/0", title: "measuring", fromMs: T0 + 100, toMs: T0 + 600 }]);
    expect(windows.add(window(T0))).toBe(true);
    expect(windows.add(window(T0))).toBe(false);
    windows.row("job/0", T0 + 900);
    expect(windows.all).toEqual([window(T0)]);
    windows.row("job/0", T0 + 20_000);
    expect(windows.all).toHaveLength(2);
  });

  test("are those of the last ten minutes, however many there were", () => {
    const windows = new RunWindows();
    for (let i = 0; i < 1500; i++) windows.add(window(T0 + i * 1000));
    expect(windows.ended.length).toBeLessThanOrEqual(400);
    expect(windows.ended.at(-1)).toEqual(window(T0 + 1_499_000));
  });
});

describe("the lines of the chart", () => {
  const point = { channel: "main", estimate: false, periodMs: 100, ...row(3), kind: "live", run: undefined } as const;

  test("an hour of twenty devices takes the memory of ten minutes, and devices that went are dropped", () => {
    const lines = new PowerLines(() => 0);
    for (let ms = 0; ms < 3_600_000; ms += 500) {
      const devices = ms < 1_800_000 ? 20 : 10;
      for (let n = 0; n < devices; n++) lines.add({ ...point, device: `pi-${n}`, timeMs: T0 + ms });
      if (ms % 60_000 === 0) lines.dropOld(T0 + ms);
    }
    expect(lines.all.map(({ device }) => device)).toEqual(Array.from({ length: 10 }, (_, n) => `pi-${n}`));
    expect(lines.all.reduce((sum, { history }) => sum + history.bytes, 0)).toBeLessThan(10 * 170_000);
  });

  test("more channels than anyone can read are counted, and find a place when others have gone", () => {
    const lines = new PowerLines(() => 0);
    for (let n = 0; n < MAX_LINES + 3; n++) lines.add({ ...point, device: `pi-${n}`, timeMs: T0 });
    expect([lines.all.length, lines.refused]).toEqual([MAX_LINES, 3]);
    expect(lines.dropOld(T0 + HISTORY_MS + 1)).toBe(true);
    expect(lines.add({ ...point, device: "pi-late", timeMs: T0 + HISTORY_MS })?.name).toBe("pi-late");
    expect(lines.refused).toBe(0);
  });

  test("what the hub remembers fills gaps of what the page has heard, and nothing else", () => {
    const lines = new PowerLines(() => 0);
    for (let ms = 0; ms < 5000; ms += 100) lines.add({ ...point, device: "pi", timeMs: T0 + ms, kind: "telemetry" });
    expect(lines.add({ ...point, ...row(9), device: "pi", timeMs: T0 + 2250, kind: "summary" })).toBeUndefined();
    expect(lines.add({ ...point, ...row(9), device: "pi", timeMs: T0 + 7250, kind: "summary" })).toBeDefined();
  });

  test("24 lines have 24 colours", () => {
    expect(new Set(Array.from({ length: 24 }, (_, index) => lineColour(index))).size).toBe(24);
    expect(lineColour(0)).toBe("#2f81d6");
    for (let index = 0; index < 24; index++) expect(lineColour(index)).toMatch(/^#[0-9a-f]{6}$/);
  });
});

test("pauses between attempts double to a limit and are spread over half of their length", () => {
  expect([0, 1, 2, 10, 1000].map((attempt) => retryDelayMs(attempt, 1))).toEqual([500, 1000, 2000, 5000, 5000]);
  expect(retryDelayMs(3, 0)).toBe(2000);
});
