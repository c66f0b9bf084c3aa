import { halfWidth95, mean } from "./statistics.ts";
import { figuresOf, type MeasuredWindow } from "./window-figures.ts";

/** How well windows agree. */
export interface Agreement {
  /** What is compared: energy, or time where there is no power. */
  readonly quantity: "gross energy" | "latency";
  /** 95 % confidence half-width of the mean over windows, as a share of it; `undefined` for fewer than two windows. */
  readonly share: number | undefined;
}

/** How measuring an entry ended. */
export interface RepetitionEnd {
  /** The share at which there are enough windows; `undefined` when nobody asked. */
  readonly target: number | undefined;
  readonly reached: Agreement;
  readonly windows: number;
  /** Windows of every entry by the plan; more are for precision. */
  readonly planned: number;
  readonly endedBy: "plan" | "budget";
}

/**
 * Repetition alone (type A): t(n − 1) · s / √n over windows. What the meter's limits of error add does not shrink with more
 * windows, so it is no reason to go on.
 */
export function agreementOf(windows: readonly MeasuredWindow[]): Agreement {
  const figures = windows.map(figuresOf);
  const energies = figures.flatMap(({ grossMj }) => grossMj ?? []);
  const values = energies.length > 0 ? energies : figures.map(({ latencyMs }) => latencyMs);
  const halfWidth = halfWidth95(values);
  return {
    quantity: energies.length > 0 ? "gross energy" : "latency",
    share: halfWidth === null ? undefined : halfWidth / mean(values),
  };
}
