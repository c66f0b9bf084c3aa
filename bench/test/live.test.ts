import { describe, expect, it } from "vitest";
import { frameWork } from "../live/frame-work.ts";
import { quantile } from "../live/quantile.ts";

const MAIN = { pid: 7, tid: 1 };
const task = (ts: number, dur: number, tdur: number, thread = MAIN) => ({
  name: "ThreadControllerImpl::RunTask",
  ph: "X",
  ts,
  dur,
  tdur,
  ...thread,
});
const commit = (ts: number, thread = MAIN) => ({ name: "Commit", ph: "X", ts, dur: 100, tdur: 100, ...thread });

describe("the work of a frame in a trace", () => {
  it("is what the main thread did since the frame before, with the task that hands it over", () => {
    const traceEvents = [
      { name: "thread_name", ph: "M", ts: 0, args: { name: "CrRendererMain" }, ...MAIN },
      { name: "thread_name", ph: "M", ts: 0, args: { name: "Compositor" }, pid: 7, tid: 2 },
      task(1000, 900, 900),
      commit(1500),
      // A message, a timer, and the task of the frame.
      task(3000, 2000, 1500),
      task(6000, 500, 500),
      task(9000, 4000, 3000),
      commit(11_000),
      task(5000, 9000, 9000, { pid: 7, tid: 2 }),
      commit(9500, { pid: 7, tid: 2 }),
      // Of a frame that was not handed over in the trace.
      task(15_000, 7000, 7000),
    ];
    expect(frameWork(JSON.stringify({ traceEvents }))).toEqual([{ wallMs: 6.5, cpuMs: 5 }]);
  });
});

describe("a quantile", () => {
  it("is a value that the share does not exceed, in any order", () => {
    const values = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect([quantile(values, 0.95), quantile(values, 0.5), quantile(values, 1)]).toEqual([95, 50, 100]);
    expect(quantile([], 0.5)).toBeNaN();
  });
});
