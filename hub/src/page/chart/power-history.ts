/** As fine as agents tell power. */
export const BIN_MS = 100;
/** How far back power is kept and shown at most. */
export const HISTORY_MS = 600_000;
/** A little more than is shown, so that what a view still needs has not been written over. */
const BINS = HISTORY_MS / BIN_MS + 100;

/** Mean power of a stretch of time in watts, with the extremes inside. */
export interface PowerFigures {
  readonly w: number;
  readonly wMin: number;
  readonly wMax: number;
}

/** Where a row comes from; of two for the same tenth the later kind counts: telemetry is complete, a summary is coarse, live values may be lost. */
export type RowKind = "live" | "summary" | "telemetry";

const EMPTY = 0;
const RANKS: Readonly<Record<RowKind, number>> = { live: 1, summary: 2, telemetry: 3 };

/**
 * Power of one channel over the last ten minutes, in bins of a tenth of a second and in constant memory (164 kB). Rows may come in any
 * order and more than once: telemetry takes the place of the live value of the same tenth, and a row counts in its bin only when it is later
 * than all of its kind that are there, so what is sent again changes nothing.
 */
export class PowerHistory {
  /** Which bin since the epoch a place holds. */
  readonly #bins = new Float64Array(BINS);
  readonly #means = new Float32Array(BINS);
  readonly #minima = new Float32Array(BINS);
  readonly #maxima = new Float32Array(BINS);
  readonly #counts = new Uint16Array(BINS);
  /** Place of the newest row within its bin, ms. */
  readonly #offsets = new Float32Array(BINS);
  readonly #kinds = new Uint8Array(BINS);
  #newestMs = Number.NEGATIVE_INFINITY;

  /** When the newest row was taken, ms since the epoch on the clock of the rows; minus infinity without any. */
  get newestMs(): number {
    return this.#newestMs;
  }

  get bytes(): number {
    return BINS * (8 + 4 + 4 + 4 + 2 + 4 + 1);
  }

  /**
   * @param timeMs when the row was taken, ms since the epoch
   * @returns whether anything changed
   */
  add(timeMs: number, { w, wMin, wMax }: PowerFigures, row: RowKind): boolean {
    const bin = Math.floor(timeMs / BIN_MS);
    const place = bin % BINS;
    const kind = RANKS[row];
    const offset = timeMs - bin * BIN_MS;
    const held = this.#bins[place] ?? 0;
    if (held > bin) return false;
    const heldKind = held === bin ? (this.#kinds[place] ?? EMPTY) : EMPTY;
    if (heldKind > kind) return false;
    if (heldKind < kind) {
      this.#bins[place] = bin;
      this.#kinds[place] = kind;
      this.#counts[place] = 1;
      this.#means[place] = w;
      this.#minima[place] = wMin;
      this.#maxima[place] = wMax;
    } else {
      if (offset <= (this.#offsets[place] ?? 0)) return false;
      const count = Math.min((this.#counts[place] ?? 0) + 1, 65_535);
      const mean = this.#means[place] ?? 0;
      this.#counts[place] = count;
      this.#means[place] = mean + (w - mean) / count;
      this.#minima[place] = Math.min(this.#minima[place] ?? wMin, wMin);
      this.#maxima[place] = Math.max(this.#maxima[place] ?? wMax, wMax);
    }
    this.#offsets[place] = offset;
    this.#newestMs = Math.max(this.#newestMs, timeMs);
    return true;
  }

  /** Whether telemetry has rows in [fromMs, toMs). */
  hasTelemetry(fromMs: number, toMs: number): boolean {
    for (let bin = Math.floor(fromMs / BIN_MS); bin * BIN_MS < toMs; bin++) {
      if (this.#bins[bin % BINS] === bin && this.#kinds[bin % BINS] === RANKS.telemetry) return true;
    }
    return false;
  }

  /** Calls `visit` for every bin in [fromMs, toMs) that has rows, in order, with the middle of the bin. */
  visit(fromMs: number, toMs: number, visit: (timeMs: number, w: number, wMin: number, wMax: number) => void): void {
    const newestBin = Math.floor(this.#newestMs / BIN_MS);
    const last = Math.min(newestBin, Math.ceil(toMs / BIN_MS) - 1);
    const first = Math.max(Math.floor(fromMs / BIN_MS), newestBin - BINS + 1);
    for (let bin = first; bin <= last; bin++) {
      const place = bin % BINS;
      if (this.#bins[place] !== bin || this.#kinds[place] === EMPTY) continue;
      visit((bin + 0.5) * BIN_MS, this.#means[place] ?? 0, this.#minima[place] ?? 0, this.#maxima[place] ?? 0);
    }
  }
}
