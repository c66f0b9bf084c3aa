import type { IntegerRange, Range } from "../../int8/arithmetic.ts";
import { rangeOf, type Histogram } from "../histogram.ts";

/** Where the search begins, so that no threshold has fewer bins than levels (`start_bin` of NVIDIA's pytorch-quantization). */
const FEWEST_BINS = 128;

/**
 * The range [-t, t], within [min, max], whose quantized magnitudes tell least apart from the true ones: the Kullback-Leibler divergence
 * of TensorRT (Migacz, "8-bit inference with TensorRT", GTC 2017). Its 128 levels stand for the magnitudes of a signed tensor; an unsigned
 * one has 256 (`_compute_amax_entropy` of NVIDIA's pytorch-quantization 2.1), and a range that is clipped at one end, as asymmetrical
 * quantization spends no levels there, has as many as fall on its longer side. Zeros stay out, as they are exact under each threshold.
 */
export function entropyRange(histogram: Histogram, integers: IntegerRange): Range {
  const { min, max } = rangeOf(histogram);
  const magnitudes = magnitudesOf(histogram);
  const bins = magnitudes.length;
  if (bins === 0) return { min, max };
  const binWidth = Math.max(-min, max) / bins;
  const search = new DivergenceSearch(magnitudes);
  let best = { divergence: Infinity, threshold: Math.max(-min, max) };
  for (let kept = Math.min(FEWEST_BINS, bins); kept <= bins; kept++) {
    const threshold = kept * binWidth;
    const span = Math.min(max, threshold) - Math.max(min, -threshold);
    const levels = Math.round(((integers.max - integers.min + 1) * threshold) / span);
    const divergence = search.divergence(kept, levels);
    // The widest of equals, as it clips least.
    if (divergence <= best.divergence) best = { divergence, threshold };
  }
  return { min: Math.max(min, -best.threshold), max: Math.min(max, best.threshold) };
}

/** Counts of absolute values: the bins of both sides have the same width and meet at zero. */
function magnitudesOf({ edges, counts }: Histogram): Float64Array {
  const zeroBin = edges.indexOf(0);
  const magnitudes = new Float64Array(Math.max(zeroBin, counts.length - zeroBin));
  for (const [bin, amount] of counts.entries()) {
    const distance = bin < zeroBin ? zeroBin - 1 - bin : bin - zeroBin;
    magnitudes[distance] = (magnitudes[distance] as number) + amount;
  }
  return magnitudes;
}

/** Sums up to each bin, so that the divergence of one threshold costs a step per level and not per bin. */
class DivergenceSearch {
  readonly #counts: Float64Array;
  readonly #sums: Float64Array;
  readonly #filled: Float64Array;
  readonly #logs: Float64Array;

  constructor(counts: Float64Array) {
    this.#counts = counts;
    this.#sums = runningSums(counts, (amount) => amount);
    this.#filled = runningSums(counts, (amount) => (amount > 0 ? 1 : 0));
    this.#logs = runningSums(counts, timesLog);
  }

  /**
   * Divergence of the first `kept` bins, spread evenly over the filled bins of each level, from the same bins with all that lies beyond
   * them added to the last. Infinite where the last bin is empty but something lies beyond.
   */
  divergence(kept: number, levels: number): number {
    const total = this.#sums.at(-1) as number;
    const inside = this.#sums[kept] as number;
    const last = this.#counts[kept - 1] as number;
    const beyond = total - inside;
    if (inside === 0 || (last === 0 && beyond > 0)) return Infinity;
    let sum = (this.#logs[kept] as number) - timesLog(last) + timesLog(last + beyond);
    let start = 0;
    for (let level = 1; level <= levels && start < kept; level++) {
      const end = Math.ceil((level * kept) / levels);
      const amount = (this.#sums[end] as number) - (this.#sums[start] as number);
      const filled = (this.#filled[end] as number) - (this.#filled[start] as number);
      const isLast = end === kept;
      if (amount > 0) sum -= (isLast ? amount + beyond : amount) * Math.log(amount / filled);
      start = end;
    }
    return sum / total + Math.log(inside / total);
  }
}

function runningSums(counts: Float64Array, term: (amount: number) => number): Float64Array {
  const sums = new Float64Array(counts.length + 1);
  for (const [bin, amount] of counts.entries()) sums[bin + 1] = (sums[bin] as number) + term(amount);
  return sums;
}

function timesLog(amount: number): number {
  return amount > 0 ? amount * Math.log(amount) : 0;
}
