import { counted, describeSource, isModelled, type PowerSource } from "@edgewatt/protocol";
import type { MeasuredWindow } from "../window-figures.ts";
import { largest, percent, percentPast, rounded } from "./figure.ts";

const IDLE_DRIFT = 0.02;
const MAX_GAP_PERIODS = 5;
const MAX_MISSING = 0.001;

/** What a reader must know of the power in the windows: its source, readings that are missing, faults of the meter. */
export function powerFlags(windows: readonly MeasuredWindow[], source: PowerSource | undefined): string[] {
  return [
    ...(source !== undefined && isModelled(source) ? [`estimate: no meter; source ${describeSource(source)}`] : []),
    ...missingPower(windows),
    ...missingReadings(windows),
    ...idle(windows),
  ];
}

function faultsOf(windows: readonly MeasuredWindow[]): string {
  return [...new Set(windows.flatMap(({ faults }) => faults))].join(", ");
}

function missingPower(windows: readonly MeasuredWindow[]): string[] {
  const flags: string[] = [];
  const missing = windows.filter(({ power }) => power === undefined);
  if (missing.length > 0) {
    const why = faultsOf(missing) || "no reading before or after";
    flags.push(`power-missing: ${missing.length} of ${counted(windows.length, "window")}: ${why}`);
  }
  const faults = faultsOf(windows.filter(({ power }) => power !== undefined));
  if (faults !== "") flags.push(`meter-fault: ${faults}`);
  return flags;
}

function missingReadings(windows: readonly MeasuredWindow[]): string[] {
  const flags: string[] = [];
  const gap = largest(windows.map(({ power, periodUs }) => power && power.longestGapUs / periodUs));
  if (gap !== undefined && gap > MAX_GAP_PERIODS) {
    flags.push(`samples-missing: ${rounded(gap)} periods of the meter without a reading, over ${MAX_GAP_PERIODS}`);
  }
  const missing = largest(windows.map(({ power }) => power && power.missing / (power.missing + power.samples)));
  if (missing !== undefined && missing > MAX_MISSING) {
    flags.push(
      `samples-missing: ${percentPast(MAX_MISSING, missing)} of the readings of a window, over ${percent(MAX_MISSING)}`,
    );
  }
  return flags;
}

function idle(windows: readonly MeasuredWindow[]): string[] {
  const flags: string[] = [];
  const powered = windows.filter(({ power }) => power !== undefined);
  const faults = [...new Set(windows.flatMap(({ idleFaults }) => idleFaults))];
  if (faults.length > 0) flags.push(`idle-fault: ${faults.join(", ")} in idle stretches, so net energy may be off`);
  if (powered.some(({ idleBefore, idleAfter }) => idleBefore === undefined || idleAfter === undefined)) {
    flags.push("idle-missing: idle power was not measured, so there is no net energy");
  }
  const drift = largest(
    windows.map(({ idleBefore, idleAfter }) =>
      idleBefore === undefined || idleAfter === undefined
        ? undefined
        : Math.abs(idleBefore.meanW - idleAfter.meanW) / idleBefore.meanW,
    ),
  );
  if (drift !== undefined && drift > IDLE_DRIFT) {
    flags.push(
      `idle-drift: idle power before and after a window differ by ${percentPast(IDLE_DRIFT, drift)} at worst, over ${percent(IDLE_DRIFT)}`,
    );
  }
  return flags;
}
