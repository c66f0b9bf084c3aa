import { describe, expect, it } from "vitest";
import type { Warm, WarmUpRequest } from "../../src/runner/messages.ts";
import { warmUp } from "../../src/runner/warm-up.ts";

const METHOD: WarmUpRequest = { minRuns: 10, minS: 3, capS: 60, steadyS: 1 };

/** Warms up a model whose inferences take so many ms, on a clock that only they move. */
function warm(request: WarmUpRequest, latencyMs: (atS: number) => number): Promise<Warm> {
  let nowUs = 5e6;
  return warmUp(
    async () => {
      nowUs += latencyMs((nowUs - 5e6) / 1e6) * 1000;
    },
    request,
    () => nowUs,
  );
}

describe("warmUp", () => {
  it("takes three seconds of a model that is steady from the start", async () => {
    const { steady, seconds, runs, medianMs } = await warm(METHOD, () => 5);
    expect(steady).toBe(true);
    expect(seconds).toBeCloseTo(3, 1);
    expect(runs).toBe(600);
    expect(medianMs).toBeCloseTo(5, 9);
  });

  it("goes on until two seconds in a row agree within 1 %", async () => {
    // 20 ms that fall by 4 % a second to 10 ms, which takes 17 s.
    const { steady, seconds, medianMs } = await warm(METHOD, (atS) => Math.max(10, 20 * 0.96 ** atS));
    expect(steady).toBe(true);
    expect(seconds).toBeGreaterThan(17);
    expect(seconds).toBeLessThan(20);
    expect(medianMs).toBeCloseTo(10, 1);
  });

  it("gives up on a model that never becomes steady, and says so", async () => {
    const { steady, seconds } = await warm(METHOD, (atS) => (Math.floor(atS) % 2 === 0 ? 5 : 6));
    expect(steady).toBe(false);
    expect(seconds).toBeGreaterThanOrEqual(60);
    expect(seconds).toBeLessThan(60.1);
  });

  it("runs a slow model ten times, whatever the time", async () => {
    const { runs, seconds } = await warm(METHOD, () => 8000);
    expect(runs).toBe(10);
    expect(seconds).toBe(80);
  });

  it("does not wait for a steady state where nobody asks for it", async () => {
    const quick = { minRuns: 10, minS: 0.5, capS: 2, steadyS: null };
    const { steady, seconds, medianMs } = await warm(quick, (atS) => 5 + atS);
    expect(steady).toBe(true);
    expect(seconds).toBeCloseTo(0.5, 1);
    expect(medianMs).toBeGreaterThan(5);
  });
});
