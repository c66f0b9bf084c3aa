import { HISTORY_MS, PowerHistory } from "./power-history.ts";
import type { ColumnValues } from "./decimation.ts";
import { lineColour } from "./power-colours.ts";
import { RunWindows } from "../fleet/run-windows.ts";
import type { PowerPoint } from "../fleet/fleet.ts";

/** More lines than anyone can read; what is beyond is counted. */
export const MAX_LINES = 64;

/** What is drawn of one channel of one device. */
export interface PowerLine {
  readonly name: string;
  readonly device: string;
  readonly estimate: boolean;
  readonly colour: string;
  history: PowerHistory;
  /** What the plot shows of it. */
  values: ColumnValues | undefined;
  /** A longer silence is a gap, ms. */
  gapMs: number;
  isShown: boolean;
  /** What to add to the history's times, ms. */
  readonly offsetMs: () => number;
}

const GAP_MS = 2500;
const SUMMARY_MS = 1000;

/** The lines of the chart, by device and channel, and the measured windows of each device; all of it bounded. */
export class PowerLines {
  readonly #lines = new Map<string, PowerLine>();
  readonly #windows = new Map<string, RunWindows>();
  readonly #refused = new Set<string>();
  readonly #offsetOf: (device: string) => number;
  #colours = 0;

  /** @param offsetOf what a device's stamps have to be moved by, ms */
  constructor(offsetOf: (device: string) => number) {
    this.#offsetOf = offsetOf;
  }

  get all(): readonly PowerLine[] {
    return [...this.#lines.values()];
  }

  /** Channels that found no place. */
  get refused(): number {
    return this.#refused.size;
  }

  get windows(): ReadonlyMap<string, RunWindows> {
    return this.#windows;
  }

  /** @returns the line that changed, if one did */
  add(point: PowerPoint): PowerLine | undefined {
    const { device, channel, estimate } = point;
    const name = `${channel === "main" ? device : `${device} ${channel}`}${estimate ? " (estimate)" : ""}`;
    let line = this.#lines.get(name);
    if (line === undefined) {
      if (this.#lines.size >= MAX_LINES) {
        if (this.#refused.size < 1000) this.#refused.add(name);
        return undefined;
      }
      const colour = lineColour(this.#colours++);
      const offsetMs = (): number => this.#offsetOf(device);
      const fresh = { history: new PowerHistory(), values: undefined, gapMs: GAP_MS, isShown: true };
      line = { name, device, estimate, colour, offsetMs, ...fresh };
      this.#lines.set(name, line);
    }
    line.gapMs = Math.max(GAP_MS, 2.5 * point.periodMs);
    // What the hub remembers is for where the page knows nothing: else it would come between finer rows.
    if (point.kind === "summary" && isKnownAround(line.history, point.timeMs)) return undefined;
    const changed = line.history.add(point.timeMs, point, point.kind);
    if (changed && point.run !== undefined) this.windowsOf(device).row(point.run, point.timeMs);
    return changed ? line : undefined;
  }

  windowsOf(device: string): RunWindows {
    let windows = this.#windows.get(device);
    if (windows === undefined) this.#windows.set(device, (windows = new RunWindows()));
    return windows;
  }

  /** A device's clock was set: where its earlier rows belong is not known. */
  forget(device: string): void {
    for (const line of this.#lines.values()) if (line.device === device) line.history = new PowerHistory();
    this.#windows.delete(device);
  }

  /** Drops lines of which nothing is left to show. @returns whether there were some */
  dropOld(nowMs: number): boolean {
    const before = this.#lines.size;
    for (const [name, { offsetMs, history }] of this.#lines) {
      if (history.newestMs + offsetMs() < nowMs - HISTORY_MS) this.#lines.delete(name);
    }
    if (this.#lines.size < before) this.#refused.clear();
    for (const device of this.#windows.keys()) {
      if (!this.all.some((line) => line.device === device)) this.#windows.delete(device);
    }
    return this.#lines.size < before;
  }
}

function isKnownAround(history: PowerHistory, timeMs: number): boolean {
  return history.hasTelemetry(timeMs - SUMMARY_MS / 2, timeMs + SUMMARY_MS / 2);
}
