import type { MachineSnapshot } from "../../src/device/machine-snapshot.ts";
import type { Stretch } from "../../src/measure/energy.ts";
import type { MeasuredWindow } from "../../src/measure/window-figures.ts";

export function stretch(seconds: number, meanW: number): Stretch {
  return { joules: meanW * seconds, seconds, meanW, maxW: meanW + 1, samples: 10, longestGapUs: 1000 };
}

/** A faultless window of 10 s: 2,000 runs of 5 ms at 4 W over 2 W, on a machine that tells nothing. */
export function goodWindow(over: Partial<MeasuredWindow> = {}): MeasuredWindow {
  return {
    block: 0,
    run: {
      type: "window",
      t0Us: 0,
      t1Us: 10e6,
      startsUs: Float64Array.from({ length: 2000 }, (_, i) => i * 5000),
      latenciesMs: new Float64Array(2000).fill(5),
      gcMs: 0,
      peakMb: 100,
    },
    power: stretch(10, 4),
    idleBefore: stretch(10, 2),
    idleAfter: stretch(10, 2),
    faults: [],
    periodUs: 1000,
    machine: { before: { throttled: null }, after: { throttled: null } },
    ...over,
  };
}

/** A faultless window, but for the machine at its edges. */
export function onMachine(before: MachineSnapshot, after: MachineSnapshot): MeasuredWindow {
  return goodWindow({ machine: { before, after } });
}
