import type { RunWindow } from "./power-samples.ts";
import { HISTORY_MS } from "../chart/power-history.ts";

/** More than a device can measure in ten minutes; a window takes seconds. */
const MAX_WINDOWS = 400;
/** Rows of one run that are further apart are of two windows. */
const APART_MS = 1500;

/** Measured windows of one device over the last ten minutes: those that ended, and the one that its rows show to be open. */
export class RunWindows {
  #ended: RunWindow[] = [];
  #open: { run: string; fromMs: number; toMs: number } | undefined;

  /** Takes a window that the device has told; told again, it changes nothing. @returns whether it was new */
  add(window: RunWindow): boolean {
    if (this.#ended.some(({ run, fromMs }) => run === window.run && fromMs === window.fromMs)) return false;
    this.#ended.push(window);
    this.#ended.sort((a, b) => a.fromMs - b.fromMs);
    const newestMs = this.#ended.at(-1)?.toMs ?? 0;
    this.#ended = this.#ended.filter(({ toMs }) => toMs > newestMs - HISTORY_MS).slice(-MAX_WINDOWS);
    if (this.#open !== undefined && this.#open.fromMs <= window.toMs) this.#open = undefined;
    return true;
  }

  /** Takes the stamp of a row that was taken in a window of a run. */
  row(run: string, timeMs: number): void {
    if (this.#ended.some(({ fromMs, toMs }) => timeMs >= fromMs && timeMs <= toMs)) return;
    const open = this.#open;
    if (open === undefined || open.run !== run || timeMs - open.toMs > APART_MS) {
      if (open === undefined || timeMs > open.toMs) this.#open = { run, fromMs: timeMs, toMs: timeMs };
    } else {
      open.fromMs = Math.min(open.fromMs, timeMs);
      open.toMs = Math.max(open.toMs, timeMs);
    }
  }

  /** Those that ended, oldest first. */
  get ended(): readonly RunWindow[] {
    return this.#ended;
  }

  /** All of them; what is measured in one that is open is told when it has ended. */
  get all(): readonly RunWindow[] {
    return this.#open === undefined ? this.#ended : [...this.#ended, { ...this.#open, title: "measuring" }];
  }
}
