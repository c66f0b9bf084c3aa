import { getJson } from "../api.ts";
import type { Fleet } from "./fleet.ts";
import type { RunWindow } from "./power-samples.ts";

/** Power of one channel over the last minutes; `null` where nothing is known. Times are on the clock of the device. */
export interface RecentSeries {
  readonly device: string;
  readonly channel: string;
  readonly source: string;
  /** When the first step begins, ms since the epoch. */
  readonly fromMs: number;
  /** Mean of each step in milliwatts, and how far below and above it the extremes of the readings lie. */
  readonly mw: readonly (number | null)[];
  readonly mwBelow: readonly (number | null)[];
  readonly mwAbove: readonly (number | null)[];
}

/** What `GET /api/power?minutes=M` answers. */
export interface RecentPowerAnswer {
  readonly stepMs: number;
  readonly series: readonly RecentSeries[];
  readonly windows: readonly (RunWindow & { readonly device: string })[];
}

const MILLI = 1000;

/** Fills the chart of a page that was opened, or away from its hub, with what the hub remembers; without it the chart begins empty. */
export async function loadRecentPower(fleet: Fleet): Promise<void> {
  try {
    const { stepMs, series, windows } = await getJson<RecentPowerAnswer>("/api/power?minutes=10");
    for (const { device, channel, source, fromMs, mw, mwBelow, mwAbove } of series) {
      for (const [index, mean] of mw.entries()) {
        if (mean === null) continue;
        const timeUs = (fromMs + (index + 0.5) * stepMs) * 1000;
        const w = mean / MILLI;
        const [wMin, wMax] = [w - (mwBelow[index] ?? 0) / MILLI, w + (mwAbove[index] ?? 0) / MILLI];
        fleet.remember(device, { channel, timeUs, w, wMin, wMax, source, run: undefined });
      }
    }
    for (const { device, ...window } of windows) fleet.onWindow(device, window);
  } catch {
    // The hub is away; the connection says so, and its return loads again.
  }
}
