import type { MachineSnapshot } from "../../src/device/machine-snapshot.ts";
import type { MeasuredWindow } from "../../src/measure/window-figures.ts";
import { measuredWindow } from "./measured-window.ts";

/** A faultless window of 10 s: 2,000 runs of 5 ms at 4 W over 2 W, on a machine that tells nothing. */
export function goodWindow(over: Partial<MeasuredWindow> = {}): MeasuredWindow {
  return { ...measuredWindow(2000, 5, 4, 2), ...over };
}

/** A faultless window, but for the machine at its edges. */
export function onMachine(before: MachineSnapshot, after: MachineSnapshot): MeasuredWindow {
  return goodWindow({ machine: { before, after } });
}
