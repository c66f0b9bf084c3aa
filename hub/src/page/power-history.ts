/** Five minutes in quarters of a second: as fine as a screen shows. */
const BIN_MS = 250;
const BINS = 1200;
/** A longer silence is drawn as a gap. */
const GAP_BINS = 10;

/** Mean watts per bin of the last five minutes, in constant memory; samples may come in any order. */
export class PowerHistory {
  readonly #sums = new Float64Array(BINS);
  readonly #counts = new Uint32Array(BINS);
  /** Which bin since the epoch a place holds. */
  readonly #bins = new Float64Array(BINS);

  add(timeMs: number, watts: number): void {
    const bin = Math.floor(timeMs / BIN_MS);
    const place = bin % BINS;
    const held = this.#bins[place] ?? 0;
    if (held > bin) return;
    if (held < bin) {
      this.#bins[place] = bin;
      this.#sums[place] = 0;
      this.#counts[place] = 0;
    }
    this.#sums[place] = (this.#sums[place] ?? 0) + watts;
    this.#counts[place] = (this.#counts[place] ?? 0) + 1;
  }

  /** A value per bin up to `nowMs`: `undefined` is bridged by the line, `null` breaks it. */
  values(nowMs: number): (number | null | undefined)[] {
    const values: (number | null | undefined)[] = [];
    let empty = GAP_BINS;
    for (const bin of binsUntil(nowMs)) {
      const place = bin % BINS;
      const count = this.#bins[place] === bin ? (this.#counts[place] ?? 0) : 0;
      empty = count > 0 ? 0 : empty + 1;
      if (count > 0) values.push((this.#sums[place] ?? 0) / count);
      else values.push(empty >= GAP_BINS ? null : undefined);
    }
    return values;
  }
}

function binsUntil(nowMs: number): number[] {
  const last = Math.floor(nowMs / BIN_MS);
  return Array.from({ length: BINS }, (_, index) => last - BINS + 1 + index);
}

/** The times of {@link PowerHistory.values}, seconds since the epoch. */
export function historyTimes(nowMs: number): number[] {
  return binsUntil(nowMs).map((bin) => (bin * BIN_MS) / 1000);
}
