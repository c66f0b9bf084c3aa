import { counted } from "@edgewatt/protocol";
import { foreignTicks } from "../../device/machine-snapshot.ts";
import { shareBelowTarget } from "../../device/frequency.ts";
import type { MeasuredWindow } from "../window-figures.ts";
import { largest, percent, percentPast, rounded } from "./figure.ts";

const BELOW_PINNED = 0.005;
const FOREIGN_CPU = 0.02;
/** Below so many clock ticks the kernel's sampled accounting cannot tell whose they were. */
const FOREIGN_LEAST_TICKS = 5;
const TEMPERATURE_RISE_C = 10;
/** How far apart the temperatures may lie at which the windows of a row start. */
export const START_TEMPERATURE_C = 2;

/** What the machine did besides the model, by its state at the edges of the windows. */
export function machineFlags(windows: readonly MeasuredWindow[]): string[] {
  return [...frequency(windows), ...temperature(windows), ...foreignCpu(windows), ...swap(windows)];
}

function frequency(windows: readonly MeasuredWindow[]): string[] {
  let worst = { share: BELOW_PINNED, text: "" };
  for (const { machine } of windows) {
    for (const before of machine.before.policies ?? []) {
      const after = machine.after.policies?.find(({ name }) => name === before.name);
      const share = after === undefined ? 0 : (shareBelowTarget(before, after) ?? 0);
      if (share <= worst.share) continue;
      const where = `cores of ${before.name} below ${before.targetKhz / 1000} MHz for ${percent(share)} of a window`;
      const text = before.pinned
        ? `frequency-below-pinned: ${where}, over ${percent(BELOW_PINNED)}`
        : `frequency-not-pinned: ${where}, as governor ${before.governor} lets it; set performance`;
      worst = { share, text };
    }
  }
  return worst.text === "" ? [] : [worst.text];
}

function temperature(windows: readonly MeasuredWindow[]): string[] {
  const flags: string[] = [];
  const rise = largest(
    windows.map(({ machine: { before, after } }) =>
      before.temperatureC === undefined || after.temperatureC === undefined
        ? undefined
        : after.temperatureC - before.temperatureC,
    ),
  );
  if (rise !== undefined && rise > TEMPERATURE_RISE_C) {
    flags.push(`temperature-rise: ${rounded(rise)} °C inside a window, over ${TEMPERATURE_RISE_C} °C`);
  }
  const starts = windows.flatMap(({ machine }) => machine.before.temperatureC ?? []);
  const [coolest, warmest] = [Math.min(...starts), Math.max(...starts)];
  if (warmest - coolest > START_TEMPERATURE_C) {
    flags.push(
      `start-temperature: windows began at ${coolest.toFixed(1)} to ${warmest.toFixed(1)} °C, over ${START_TEMPERATURE_C} °C apart`,
    );
  }
  return flags;
}

function foreignCpu(windows: readonly MeasuredWindow[]): string[] {
  const worst = largest(
    windows.map(({ machine: { before, after } }) => {
      if (before.cpu === undefined || after.cpu === undefined) return undefined;
      const { foreign, total } = foreignTicks(before.cpu, after.cpu);
      return total > 0 && foreign >= FOREIGN_LEAST_TICKS ? foreign / total : 0;
    }),
  );
  if (worst === undefined || worst <= FOREIGN_CPU) return [];
  return [
    `foreign-cpu: other processes took ${percentPast(FOREIGN_CPU, worst)} of the processors in a window, over ${percent(FOREIGN_CPU)}`,
  ];
}

function swap(windows: readonly MeasuredWindow[]): string[] {
  let pagesIn = 0;
  let pagesOut = 0;
  for (const { machine } of windows) {
    const { before, after } = machine;
    if (before.swap === undefined || after.swap === undefined) continue;
    pagesIn += after.swap.pagesIn - before.swap.pagesIn;
    pagesOut += after.swap.pagesOut - before.swap.pagesOut;
  }
  return pagesIn + pagesOut > 0 ? [`swap: ${counted(pagesIn, "page")} in and ${pagesOut} out in the windows`] : [];
}
