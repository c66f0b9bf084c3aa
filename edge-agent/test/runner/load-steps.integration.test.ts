import { expect, it } from "vitest";
import { monotonicUs } from "../../src/process/monotonic.ts";
import { runLoadSteps } from "../../src/runner/load-steps.ts";

it("makes a core busy in steps, and stamps their edges on the clock that all processes share", async () => {
  const { signal } = new AbortController();
  const beforeUs = monotonicUs();
  const steps = await runLoadSteps({ count: 3, onMs: 60, restMs: 40, longerMs: 10 }, { cores: undefined, signal });
  const afterUs = monotonicUs();
  expect(steps).toHaveLength(3);
  let lastUs = beforeUs;
  for (const [i, { onUs, offUs }] of steps.entries()) {
    // The rests before: 40 ms, then 40 and 50 ms.
    expect(onUs - lastUs).toBeGreaterThan(i === 2 ? 49_000 : 39_000);
    expect(offUs - onUs).toBeGreaterThanOrEqual(60_000);
    lastUs = offUs;
  }
  expect(lastUs).toBeLessThan(afterUs);
});

it("ends with its signal", async () => {
  const abort = new AbortController();
  const running = runLoadSteps(
    { count: 1, onMs: 1000, restMs: 3_600_000, longerMs: 0 },
    { cores: undefined, signal: abort.signal },
  );
  abort.abort(new RangeError("stopped by the test"));
  await expect(running).rejects.toThrow("stopped by the test");
});
