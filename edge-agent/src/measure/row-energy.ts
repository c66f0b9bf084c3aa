import type { ResultRow } from "@edgewatt/protocol";
import type { ErrorLimits } from "../sensors/sensor.ts";
import { halfWidth95, mean } from "./statistics.ts";
import { combinedHalfWidth, grossStandardMj, meterHalfWidth, netStandardMj, type Load } from "./uncertainty.ts";
import type { WindowFigures } from "./window-figures.ts";

/** What is known of the errors of the channel that fills the row. */
export interface MeterErrors {
  /** `null` where nobody states them. */
  readonly limits: ErrorLimits | null;
  readonly accumulates: boolean;
}

/** Power and energies of a row: those of all windows together whose power is known; half-widths are of the windows' own figures. */
export function energyOf(
  figures: readonly WindowFigures[],
  meter: MeterErrors | undefined,
): Pick<ResultRow, "meanPowerW" | "idlePowerW" | "energyMj"> {
  const powered = figures.filter((figure) => figure.joules !== null);
  const netted = figures.filter((figure) => figure.netMj !== null);
  const grossLoad = loadOf(powered);
  const netLoad = loadOf(netted);
  const idle = { meanW: known(netted, "idleW"), volts: known(netted, "idleVolts") };
  const { limits = null, accumulates = false } = meter ?? {};
  const gross = halfWidths(
    powered.map((figure) => figure.grossMj ?? 0),
    limits === null || powered.length === 0 ? Number.NaN : grossStandardMj(limits, accumulates, grossLoad),
  );
  const net = halfWidths(
    netted.map((figure) => figure.netMj ?? 0),
    limits === null || netted.length === 0 ? Number.NaN : netStandardMj(limits, accumulates, netLoad, idle),
  );
  return {
    meanPowerW: powered.length > 0 ? grossLoad.meanW : null,
    idlePowerW: netted.length > 0 ? idle.meanW : null,
    energyMj: {
      gross: powered.length > 0 ? grossLoad.meanW * grossLoad.imageMs : null,
      grossHalfWidth95: gross.both,
      grossRepetition95: gross.repetition,
      grossMeter95: gross.meter,
      net: netted.length > 0 ? pooledNet(netted) : null,
      netHalfWidth95: net.both,
      netRepetition95: net.repetition,
      netMeter95: net.meter,
    },
  };
}

/** @param standard of type B; `NaN` where the meter's limits or the voltage they act on are not known */
function halfWidths(values: readonly number[], standard: number) {
  const repetition = halfWidth95(values);
  const meter = Number.isNaN(standard) ? null : meterHalfWidth(standard);
  // Without repetition nothing is known of the windows' spread, so there is no half-width that covers 95 %.
  return { repetition, meter, both: repetition === null ? null : combinedHalfWidth(repetition, meter ?? 0) };
}

/** Of all windows together; the voltage is `NaN` where a meter does not tell it. */
function loadOf(figures: readonly WindowFigures[]): Load {
  const seconds = total(figures, "seconds");
  return {
    imageMs: (1000 * seconds) / total(figures, "images"),
    meanW: total(figures, "joules") / seconds,
    volts: known(figures, "volts"),
  };
}

function pooledNet(figures: readonly WindowFigures[]): number {
  return figures.reduce((sum, figure) => sum + (figure.netMj ?? 0) * figure.images, 0) / total(figures, "images");
}

function known(figures: readonly WindowFigures[], key: "volts" | "idleVolts" | "idleW"): number {
  return mean(figures.map((figure) => figure[key] ?? Number.NaN));
}

export function total(figures: readonly WindowFigures[], key: "joules" | "seconds" | "images"): number {
  return figures.reduce((sum, figure) => sum + (figure[key] ?? 0), 0);
}
