import { DataError } from "@edgewatt/onnx";

/** The edges of equal bins over [first, last], in float32, as `numpy.linspace` gives them to `numpy.histogram`. */
export interface HistogramEdges {
  readonly first: number;
  readonly last: number;
  /** One more than there are bins. */
  readonly edges: Float32Array;
}

/** @throws DataError where float32 cannot tell the edges apart, as `numpy.histogram` raises */
export function histogramEdges(low: number, high: number, bins: number): HistogramEdges {
  const isEmpty = low === high;
  const first = Math.fround(isEmpty ? low - 0.5 : low);
  const last = Math.fround(isEmpty ? high + 0.5 : high);
  const width = Math.fround(last - first);
  const step = Math.fround(width / bins);
  const edges = Float32Array.from({ length: bins + 1 }, (_, index) => {
    const offset = step === 0 ? Math.fround(index / bins) * width : index * step;
    return Math.fround(offset) + first;
  });
  edges[bins] = last;
  for (let index = 0; index < bins; index++) {
    if ((edges[index] as number) < (edges[index + 1] as number)) continue;
    throw new DataError(
      `cannot count values between ${first} and ${last} in ${bins} bins: they lie too close together, calibrate with minmax`,
      { code: "range-too-narrow", context: { first, last, bins } },
    );
  }
  return { first, last, edges };
}

/**
 * Adds the absolute values to the counts of their bins, by the fast path of `numpy.histogram`; what lies outside the edges is left out.
 * @returns whether all of them were numbers
 */
export function addAbsoluteValues(
  counts: Float64Array,
  { first, last, edges }: HistogramEdges,
  values: Float32Array,
): boolean {
  const bins = counts.length;
  const width = Math.fround(last - first);
  let areNumbers = true;
  for (let position = 0; position < values.length; position++) {
    const value = Math.abs(values[position] as number);
    if (!(value >= first && value <= last)) {
      if (Number.isNaN(value)) areNumbers = false;
      continue;
    }
    let index = Math.fround(Math.fround(Math.fround(value - first) / width) * bins) | 0;
    if (index === bins) index--;
    // The product may be off by one in its last digit; the edges decide.
    if (value < (edges[index] as number)) index--;
    if (value >= (edges[index + 1] as number) && index !== bins - 1) index++;
    counts[index] = (counts[index] as number) + 1;
  }
  return areNumbers;
}
