import { median } from "../measure/statistics.ts";
import type { Warm, WarmUpRequest } from "./messages.ts";

const STEADY_TOLERANCE = 0.01;

/** Runs a model until it is warm by the request's rules, or its cap is reached, which the result tells. */
export async function warmUp(
  run: (index: number) => Promise<unknown>,
  request: WarmUpRequest,
  nowUs: () => number,
): Promise<Warm> {
  const { minRuns, minS, capS, steadyS } = request;
  const startUs = nowUs();
  let stretchUs = startUs;
  let stretch: number[] = [];
  let previousMedian: number | undefined;
  let medianMs = Number.NaN;
  let steady = steadyS === null;
  let runs = 0;
  for (;;) {
    const beforeUs = nowUs();
    await run(runs);
    const afterUs = nowUs();
    runs += 1;
    stretch.push((afterUs - beforeUs) / 1000);
    if (steadyS !== null && afterUs - stretchUs >= steadyS * 1e6) {
      medianMs = median(stretch);
      steady = previousMedian !== undefined && Math.abs(medianMs / previousMedian - 1) < STEADY_TOLERANCE;
      previousMedian = medianMs;
      stretch = [];
      stretchUs = afterUs;
    }
    const seconds = (afterUs - startUs) / 1e6;
    const enough = runs >= minRuns && seconds >= minS && steady;
    if (enough || (seconds >= capS && runs >= minRuns)) {
      if (Number.isNaN(medianMs)) medianMs = median(stretch);
      return { type: "warm", runs, seconds, steady, medianMs };
    }
  }
}
