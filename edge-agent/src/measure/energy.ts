/**
 * Raw samples of one power channel in order of time. `tUs` is CLOCK_MONOTONIC in µs. A source that accumulates energy
 * fills `joules` with the running total at `tUs` and `watts` with the mean since the sample before; one that takes
 * momentary readings leaves `joules` `null`.
 */
export interface Trace {
  readonly tUs: Float64Array;
  readonly watts: Float64Array;
  readonly joules: Float64Array | null;
}

/** Energy and extremes of a stretch of a trace. */
export interface Stretch {
  readonly joules: number;
  readonly seconds: number;
  readonly meanW: number;
  readonly maxW: number;
  /** Raw samples inside. */
  readonly samples: number;
  /** The longest time between neighbouring samples that touch the stretch, µs. */
  readonly longestGapUs: number;
}

const US_PER_S = 1e6;

/** Index of the first sample later than `tUs`. */
function firstAfter(times: Float64Array, tUs: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] ?? 0) > tUs) high = middle;
    else low = middle + 1;
  }
  return low;
}

function interpolate(times: Float64Array, values: Float64Array, after: number, tUs: number): number {
  const t0 = times[after - 1] ?? Number.NaN;
  const t1 = times[after] ?? Number.NaN;
  const v0 = values[after - 1] ?? Number.NaN;
  if (t0 === tUs) return v0;
  return v0 + (((values[after] ?? Number.NaN) - v0) * (tUs - t0)) / (t1 - t0);
}

/**
 * Energy between two moments: trapezoids over the samples inside plus the power at both edges, linearly interpolated
 * between the samples on either side; for an accumulating source the difference of the interpolated totals. Nothing is
 * extrapolated: `undefined` when a sample before the start or after the end is missing.
 */
export function measureStretch(trace: Trace, fromUs: number, toUs: number): Stretch | undefined {
  const { tUs, watts, joules } = trace;
  const first = firstAfter(tUs, fromUs);
  const atEnd = tUs[tUs.length - 1] === toUs;
  const after = atEnd ? tUs.length - 1 : firstAfter(tUs, toUs);
  if (toUs <= fromUs || first === 0 || after >= tUs.length) return undefined;

  let longestGapUs = 0;
  for (let i = first; i <= after; i++) longestGapUs = Math.max(longestGapUs, (tUs[i] ?? 0) - (tUs[i - 1] ?? 0));
  const seconds = (toUs - fromUs) / US_PER_S;
  const energy =
    joules === null
      ? trapezoids(trace, { first, after, fromUs, toUs })
      : {
          joules: interpolate(tUs, joules, after, toUs) - interpolate(tUs, joules, first, fromUs),
          // A reading is the mean since the one before, so the one after the end covers the end.
          maxW: watts.subarray(first, after + 1).reduce((a, b) => Math.max(a, b), -Infinity),
        };
  return { ...energy, seconds, meanW: energy.joules / seconds, samples: after - first, longestGapUs };
}

function trapezoids(
  { tUs, watts }: Trace,
  edge: { first: number; after: number; fromUs: number; toUs: number },
): { joules: number; maxW: number } {
  let t = edge.fromUs;
  let w = interpolate(tUs, watts, edge.first, edge.fromUs);
  let maxW = w;
  let wattMicroseconds = 0;
  const advance = (nextT: number, nextW: number) => {
    wattMicroseconds += ((w + nextW) / 2) * (nextT - t);
    t = nextT;
    w = nextW;
    maxW = Math.max(maxW, nextW);
  };
  for (let i = edge.first; i < edge.after; i++) advance(tUs[i] ?? 0, watts[i] ?? 0);
  advance(edge.toUs, interpolate(tUs, watts, edge.after, edge.toUs));
  return { joules: wattMicroseconds / US_PER_S, maxW };
}
