import { describe, expect, it } from "vitest";
import type { WindowRequest } from "../../src/runner/messages.ts";
import { measureWindow } from "../../src/runner/window.ts";

/** A window of a model whose inferences take so many ms, on a clock that only they move. */
async function take(request: Partial<WindowRequest>, latencyMs: number, { expectedMs = latencyMs, batch = 1 } = {}) {
  let nowUs = 0;
  const indices: number[] = [];
  let startedAfter = -1;
  const result = await measureWindow(
    async (index) => {
      indices.push(index);
      nowUs += latencyMs * 1000;
    },
    { windowS: 10, minRuns: 100, leadInRuns: 10, ...request },
    { expectedMs, batch, nowUs: () => nowUs, onStart: () => (startedAfter = indices.length) },
  );
  return { ...result, indices, startedAfter, seconds: (result.t1Us - result.t0Us) / 1e6 };
}

describe("measureWindow", () => {
  it("is whole inferences for at least its time, after a lead-in, always from the first input on", async () => {
    const { latenciesMs, startsUs, seconds, t0Us, indices, startedAfter } = await take({}, 7);
    // 1,428 of them are 9.996 s.
    expect(latenciesMs).toHaveLength(1429);
    expect(seconds).toBeCloseTo(10.003, 9);
    expect(latenciesMs.every((ms) => Math.abs(ms - 7) < 1e-9)).toBe(true);
    expect(startedAfter).toBe(0);
    expect(t0Us).toBe(70_000);
    expect(startsUs[0]).toBe(t0Us);
    expect(startsUs.at(-1)).toBeCloseTo(t0Us + 1428 * 7000, 6);
    expect(indices.slice(0, 12)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
  });

  it("has at least 100 inferences, however slow", async () => {
    const { latenciesMs, seconds } = await take({}, 400);
    expect(latenciesMs).toHaveLength(100);
    expect(seconds).toBeCloseTo(40, 9);
  });

  it("ends when there is no room for more stamps, which its length then shows", async () => {
    const { latenciesMs, seconds } = await take({ windowS: 1, minRuns: 1 }, 0.01, { expectedMs: 10 });
    expect(latenciesMs).toHaveLength(100 * 32 + 1024);
    expect(seconds).toBeLessThan(0.05);
  });

  it("says how many images each inference held", async () => {
    expect((await take({}, 7, { batch: 4 })).batch).toBe(4);
  });
});
