/** Offset of `performance.now()` to CLOCK_MONOTONIC in µs: the tightest of several readings taken around each other. */
function calibrate(): number {
  let offsetUs = 0;
  let tightest = Infinity;
  for (let i = 0; i < 20; i++) {
    const before = performance.now();
    const clockUs = Number(process.hrtime.bigint()) / 1000;
    const after = performance.now();
    if (after - before < tightest) {
      tightest = after - before;
      offsetUs = clockUs - ((before + after) / 2) * 1000;
    }
  }
  return offsetUs;
}

const offsetUs = calibrate();

/**
 * CLOCK_MONOTONIC in µs with fractions, comparable across the processes of one boot. `process.hrtime.bigint()` would
 * allocate on every call, which hot loops cannot have; `performance.now()` alone has another origin in every process.
 */
export function monotonicUs(): number {
  return performance.now() * 1000 + offsetUs;
}
