import { describeSource, isModelled, type PowerSource, type ResultRow } from "@edgewatt/protocol";
import type { MeasuredWindow } from "./window-figures.ts";

const IDLE_DRIFT = 0.02;
const GC_SHARE = 0.01;
const MAX_GAP_PERIODS = 5;
const CONSISTENCY = 0.005;
/** Instantaneous bits of the firmware's throttling word; the others remember since boot. */
const THROTTLED_NOW = 0xf;

/** What a reader must know about how the windows went; each flag once. */
export function windowFlags(windows: readonly MeasuredWindow[], source: PowerSource | undefined): string[] {
  const flags = new Set<string>();
  const missing = windows.filter((window) => window.power === undefined);
  if (missing.length > 0) {
    const why = [...new Set(missing.flatMap((window) => window.faults))].join(", ") || "no reading before or after";
    flags.add(`power-missing: ${missing.length} of ${windows.length} windows: ${why}`);
  } else {
    const faults = [...new Set(windows.flatMap((window) => window.faults))];
    if (faults.length > 0) flags.add(`meter-fault: ${faults.join(", ")}`);
  }
  if (
    windows.some(
      ({ power, idleBefore, idleAfter }) =>
        power !== undefined && (idleBefore === undefined || idleAfter === undefined),
    )
  ) {
    flags.add("idle-missing: idle power was not measured, so there is no net energy");
  }
  let worstDrift = 0;
  for (const { power, periodUs, idleBefore, idleAfter, run, machine } of windows) {
    if (power !== undefined && power.longestGapUs > MAX_GAP_PERIODS * periodUs) {
      flags.add("samples-missing: the meter fell behind by more than 5 readings");
    }
    if (idleBefore !== undefined && idleAfter !== undefined) {
      worstDrift = Math.max(worstDrift, Math.abs(idleBefore.meanW - idleAfter.meanW) / idleBefore.meanW);
    }
    if (run.gcMs > GC_SHARE * ((run.t1Us - run.t0Us) / 1000))
      flags.add("gc: garbage collection took over 1 % of a window");
    const after = machine.after.throttled ?? 0;
    const fresh = after & ~(machine.before.throttled ?? 0);
    if ((after & THROTTLED_NOW) !== 0 || fresh !== 0) {
      flags.add(`throttled: the firmware reports 0x${after.toString(16)}`);
    }
  }
  if (worstDrift > IDLE_DRIFT) {
    flags.add(
      `idle-drift: idle power before and after a window differ by ${percent(worstDrift)} at worst, over ${percent(IDLE_DRIFT)}`,
    );
  }
  if (source === undefined || !isModelled(source)) return [...flags];
  return [`estimate: no meter; source ${describeSource(source)}`, ...flags];
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
}

/** Checks of a finished row against itself. */
export function consistencyFlags(row: ResultRow): string[] {
  const flags: string[] = [];
  const { meanPowerW: mean, maxPowerW: max, idlePowerW: idle, imageMs, energyMj } = row;
  if (idle !== null && mean !== null && idle > mean * (1 + CONSISTENCY)) {
    flags.push("consistency: idle power is above the mean of the windows");
  }
  if (mean !== null && max !== null && mean > max * (1 + CONSISTENCY)) {
    flags.push("consistency: mean power is above the maximum");
  }
  if (mean !== null && imageMs !== null && energyMj.gross !== null) {
    const off = Math.abs(energyMj.gross / (mean * imageMs) - 1);
    if (off > CONSISTENCY) flags.push("consistency: energy per image is not mean power times time per image");
  }
  const { net, netHalfWidth95 } = energyMj;
  if (net !== null && netHalfWidth95 !== null && Math.abs(net) <= netHalfWidth95) {
    flags.push("net-unresolved: the net energy cannot be told from zero");
  }
  return flags;
}
