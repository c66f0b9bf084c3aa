import type { Range } from "../int8/arithmetic.ts";

/** Bins from zero to the end that lies farther from it; the other side has bins of the same width, so 2048 to 4096 in all. */
const BINS_PER_SIDE = 2048;

/** Counts of values between edges. Exact zeros are counted apart, as any quantization with a zero point keeps them. */
export interface Histogram {
  /** One more than bins, from the smallest value (or zero) to the largest (or zero); zero is always among them. */
  readonly edges: Float64Array;
  readonly counts: Float64Array;
  readonly zeros: number;
  /** All values, zeros included. */
  readonly total: number;
}

/** What the counters of a bin hold at most. */
const LARGEST_COUNT = 2 ** 32 - 1;

/** Bins the values of a tensor as they come; its memory depends on nothing but the number of bins. */
export class HistogramBuilder {
  readonly #range: Range;
  readonly #binWidth: number;
  readonly #negativeBins: number;
  readonly #positiveBins: number;
  // Two counters per bin, as neighbours often fall into the same one and an increment would wait for the last. The first and last slot
  // take what rounding puts on or just over an end; before them all, slot 0 takes zeros.
  readonly #even: Uint32Array;
  readonly #odd: Uint32Array;
  readonly #sums: Float64Array;
  #pending = 0;

  /** @param range the smallest and largest value that will come */
  constructor(range: Range) {
    this.#range = range;
    this.#binWidth = Math.max(-range.min, range.max, 0) / BINS_PER_SIDE;
    this.#negativeBins = binsFor(-range.min, this.#binWidth);
    this.#positiveBins = binsFor(range.max, this.#binWidth);
    const slots = this.#negativeBins + this.#positiveBins + 3;
    this.#even = new Uint32Array(slots);
    this.#odd = new Uint32Array(slots);
    this.#sums = new Float64Array(slots);
  }

  add(values: Float32Array): void {
    if (values.length + this.#pending > LARGEST_COUNT) this.#flush();
    this.#pending += values.length;
    const perBin = this.#binWidth > 0 ? 1 / this.#binWidth : 0;
    count(values, perBin, this.#negativeBins + 2, this.#even, this.#odd);
  }

  finish(): Histogram {
    this.#flush();
    const bins = this.#negativeBins + this.#positiveBins;
    const [zeros = 0] = this.#sums;
    const counts = this.#sums.slice(2, 2 + bins);
    if (bins > 0) {
      counts[0] = (counts[0] as number) + (this.#sums[1] as number);
      counts[bins - 1] = (counts[bins - 1] as number) + (this.#sums[bins + 2] as number);
    }
    const edges = Float64Array.from({ length: bins + 1 }, (_, edge) => (edge - this.#negativeBins) * this.#binWidth);
    if (this.#negativeBins > 0) edges[0] = this.#range.min;
    if (this.#positiveBins > 0) edges[bins] = this.#range.max;
    return { edges, counts, zeros, total: counts.reduce((sum, amount) => sum + amount, zeros) };
  }

  #flush(): void {
    for (let slot = 0; slot < this.#sums.length; slot++) {
      this.#sums[slot] = (this.#sums[slot] as number) + (this.#even[slot] as number) + (this.#odd[slot] as number);
    }
    this.#even.fill(0);
    this.#odd.fill(0);
    this.#pending = 0;
  }
}

function binsFor(length: number, binWidth: number): number {
  if (!(length > 0)) return 0;
  return Math.min(BINS_PER_SIDE, Math.ceil(length / binWidth));
}

/**
 * Increments the slot of each value: slot 0 for zeros, else the whole part of value * perBin + first. Half of what follows a Relu is zero
 * in no order that a processor could predict, so the slot is masked by the bits of the value instead of a branch.
 */
function count(values: Float32Array, perBin: number, first: number, even: Uint32Array, odd: Uint32Array): void {
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  const paired = values.length & ~1;
  for (let index = 0; index < paired; index += 2) {
    // Shifting the sign out makes -0 a zero; the mask is all ones for what is left of any other number.
    const bitsA = (bits[index] as number) << 1;
    const slotA = (((values[index] as number) * perBin + first) | 0) & ((bitsA | -bitsA) >> 31);
    even[slotA] = (even[slotA] as number) + 1;
    const bitsB = (bits[index + 1] as number) << 1;
    const slotB = (((values[index + 1] as number) * perBin + first) | 0) & ((bitsB | -bitsB) >> 31);
    odd[slotB] = (odd[slotB] as number) + 1;
  }
  if (paired < values.length) {
    const rest = values[paired] as number;
    const slot = rest === 0 ? 0 : (rest * perBin + first) | 0;
    even[slot] = (even[slot] as number) + 1;
  }
}

/** The same counts in at most `bins` bins: neighbours are merged, from the first bin on. */
export function coarsen(histogram: Histogram, bins: number): Histogram {
  const factor = Math.ceil(histogram.counts.length / bins);
  if (factor <= 1) return histogram;
  const merged = Math.ceil(histogram.counts.length / factor);
  const counts = new Float64Array(merged);
  for (const [bin, amount] of histogram.counts.entries()) {
    const target = Math.floor(bin / factor);
    counts[target] = (counts[target] as number) + amount;
  }
  const last = histogram.counts.length;
  const edges = Float64Array.from(
    { length: merged + 1 },
    (_, edge) => histogram.edges[Math.min(edge * factor, last)] as number,
  );
  return { ...histogram, edges, counts };
}

/** The range that values of the histogram lie in, widened to hold zero. */
export function rangeOf({ edges }: Histogram): Range {
  return { min: Math.min(0, edges[0] ?? 0), max: Math.max(0, edges.at(-1) ?? 0) };
}
