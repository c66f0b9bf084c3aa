import {
  counted,
  describeSource,
  isModelled,
  type ResultDevice,
  type ResultRow,
  type Results,
} from "@edgewatt/protocol";
import { powerSourceOf } from "./power-source.ts";

/** The source of a device in words, with what it measures and how fast. */
export function describePower({ power }: Pick<ResultDevice, "power">): string {
  if (power === null) return "none: the device has no power source";
  const averaging = power.averagingMs === undefined ? "" : `, each a mean over ${range([power.averagingMs])} ms`;
  return `${describeSource(power.source)}; channel ${power.channel}, ${range([power.rateHz])} readings a second${averaging}`;
}

/** What the power columns mean, a line each, models apart; nothing where no row has power. */
export function powerCaption(results: Results): string[] {
  const rows = results.rows.filter((row) => row.energyMj.gross !== null);
  if (rows.length === 0) return [];
  const sources = new Set(rows.map((row) => powerSourceOf(row, results)).filter((source) => source !== null));
  const meters = [...sources].filter((source) => !isModelled(source)).map((source) => describeSource(source));
  return [...(meters.length === 0 ? [] : [`Meters: ${meters.join("; ")}.`]), maxPowerLine(rows), coverageLine(rows)];
}

function maxPowerLine(rows: readonly ResultRow[]): string {
  const bandwidths = rows.flatMap(({ maxPowerBandwidthHz }) => maxPowerBandwidthHz ?? []);
  const bandwidth =
    bandwidths.length === 0
      ? "the meter does not tell its bandwidth"
      : `bandwidth ${range(bandwidths)} Hz (−3 dB of its averaging), so shorter peaks do not show`;
  const short = rows.some((row) => typeof row.maxPower10msW === "number")
    ? " The largest mean over 10 ms compares meters of different rates."
    : "";
  return `Max power: the largest single reading in the windows; ${bandwidth}.${short}`;
}

/** What the half-widths of energy cover, which differs with what is known of the meter. */
function coverageLine(rows: readonly ResultRow[]): string {
  const stated = rows.filter((row) => typeof row.energyMj.grossMeter95 === "number");
  const none = "repetition only: the limits of error of this source, or the voltage that they act on, are not known";
  if (stated.length === 0) return `± of energy covers ${none}.`;
  const meter = stated.map(({ energyMj }) => (100 * Number(energyMj.grossMeter95)) / Number(energyMj.gross));
  const both = `repetition over windows and the meter's limits of error (±${range(meter)} % of gross energy), combined in quadrature`;
  if (stated.length === rows.length) return `± of energy covers ${both}.`;
  const devices = [...new Set(stated.map((row) => row.device))].join(", ");
  return `± of energy covers ${both}, for ${counted(stated.length, "row")} of ${devices}; for the others ${none}.`;
}

/** `a` or `a to b`, to three digits. */
function range(values: readonly number[]): string {
  const text = (value: number) => String(Number(value.toPrecision(3)));
  const [low, high] = [text(Math.min(...values)), text(Math.max(...values))];
  return low === high ? low : `${low} to ${high}`;
}
