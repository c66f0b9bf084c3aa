import { PerformanceObserver } from "node:perf_hooks";
import { peakMemoryMb } from "./memory.ts";
import type { WindowRequest, WindowResult } from "./messages.ts";

/** Room for this many times the runs that the warm-up's median foretells; memory that no stamp reaches is never resident. */
const HEADROOM = 32;
const SPARE_RUNS = 1024;

/**
 * One measured window: whole runs back to back until it is long enough in time and in runs. Nothing is sent, logged or
 * grown inside; the stamps go into memory that is there before it starts.
 * @param expectedMs latency that the warm-up found, which sizes that memory
 */
export async function measureWindow(
  run: (index: number) => Promise<unknown>,
  request: WindowRequest,
  tools: { expectedMs: number; batch: number; nowUs: () => number; onStart: () => void },
): Promise<WindowResult> {
  const { windowS, minRuns, leadInRuns } = request;
  const { expectedMs, batch, nowUs, onStart } = tools;
  const capacity = Math.ceil(Math.max((windowS * 1000) / expectedMs, minRuns) * HEADROOM) + SPARE_RUNS;
  const startsUs = new Float64Array(capacity);
  const latenciesMs = new Float64Array(capacity);
  const collections: { startTime: number; duration: number }[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) collections.push({ startTime: entry.startTime, duration: entry.duration });
  });
  observer.observe({ entryTypes: ["gc"] });
  onStart();
  for (let i = 0; i < leadInRuns; i++) await run(i);

  const t0Us = nowUs();
  const endUs = t0Us + windowS * 1e6;
  let beforeUs = t0Us;
  let n = 0;
  while ((beforeUs < endUs || n < minRuns) && n < capacity) {
    await run(n);
    const afterUs = nowUs();
    startsUs[n] = beforeUs;
    latenciesMs[n] = (afterUs - beforeUs) / 1000;
    beforeUs = afterUs;
    n += 1;
  }
  const t1Us = beforeUs;
  const peakMb = peakMemoryMb();
  // Entries reach the observer in a later turn.
  await new Promise((resolve) => setTimeout(resolve, 0));
  observer.disconnect();

  const originUs = nowUs() - performance.now() * 1000;
  const gcMs = collections
    .filter(({ startTime }) => startTime * 1000 + originUs >= t0Us && startTime * 1000 + originUs < t1Us)
    .reduce((sum, { duration }) => sum + duration, 0);
  return {
    type: "window",
    t0Us,
    t1Us,
    batch,
    startsUs: startsUs.slice(0, n),
    latenciesMs: latenciesMs.slice(0, n),
    gcMs,
    peakMb,
  };
}
