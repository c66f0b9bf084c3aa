import type { MachineSnapshot } from "../../src/device/machine-snapshot.ts";
import type { Stretch } from "../../src/measure/energy.ts";
import type { RowFacts } from "../../src/measure/row.ts";
import type { MeasuredWindow } from "../../src/measure/window-figures.ts";

/** Facts of an unpruned float model, changed as a test needs. */
export function rowFacts(changes: Partial<RowFacts>): RowFacts {
  return {
    device: "pi-1",
    run: "J/0",
    model: "m",
    precision: "fp32",
    pruning: 0,
    fineTuneEpochs: 0,
    params: 1000,
    fileBytes: 5_000_000,
    baselineMb: 50,
    sessionMb: 28,
    accuracyPct: 90,
    source: "ina219",
    meter: undefined,
    trace: null,
    flags: [],
    ...changes,
  };
}

/** A stretch of constant power. */
export function stretch(seconds: number, meanW: number): Stretch {
  return {
    joules: meanW * seconds,
    seconds,
    meanW,
    maxW: meanW + 1,
    max10msW: meanW + 0.4,
    volts: 5,
    samples: 10,
    longestGapUs: 1000,
    missing: 0,
    rateHz: 1000,
    jitterP99Us: 20,
    checks: { meanTimesTime: null, total: null },
  };
}

/** A window of `n` runs of `ms` each at `meanW` over `idleW`. */
export function measuredWindow(n: number, ms: number, meanW: number, idleW: number): MeasuredWindow {
  const seconds = (n * ms) / 1000;
  return {
    block: 0,
    run: {
      type: "window",
      t0Us: 0,
      t1Us: seconds * 1e6,
      startsUs: Float64Array.from({ length: n }, (_, i) => i * ms * 1000),
      latenciesMs: new Float64Array(n).fill(ms),
      gcMs: 0,
      peakMb: 100,
    },
    power: stretch(seconds, meanW),
    idleBefore: stretch(seconds, idleW),
    idleAfter: stretch(seconds, idleW),
    faults: [],
    idleFaults: [],
    periodUs: 1000,
    machine: { before: { throttled: null }, after: { throttled: null } },
  };
}

/** A faultless window of 10 s: 2,000 runs of 5 ms at 4 W over 2 W, on a machine that tells nothing. */
export function goodWindow(over: Partial<MeasuredWindow> = {}): MeasuredWindow {
  return { ...measuredWindow(2000, 5, 4, 2), ...over };
}

/** A faultless window, but for the machine at its edges. */
export function onMachine(before: MachineSnapshot, after: MachineSnapshot): MeasuredWindow {
  return goodWindow({ machine: { before, after } });
}
