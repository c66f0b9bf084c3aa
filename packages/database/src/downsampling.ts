import { MEASUREMENTS, type Field, type Measurement } from "@edgewatt/protocol";
import { DATABASE } from "./client.ts";
import { formatDuration, type DurationS } from "./duration.ts";
import { identifier, source } from "./influxql.ts";

/** A retention policy that holds one value per interval, under the names of the fields that it is made of. */
export interface Level {
  readonly policy: "seconds" | "minutes";
  readonly intervalS: DurationS;
  /** The database computes the newest `coversS` again every `everyS`: what comes later than that is late. */
  readonly everyS: DurationS;
  readonly coversS: DurationS;
}

export const LEVELS: readonly Level[] = [
  { policy: "seconds", intervalS: 1, everyS: 10, coversS: 60 },
  { policy: "minutes", intervalS: 60, everyS: 60, coversS: 300 },
];

/** A point that arrives this long after its time may be missing in the means until they are computed again. */
export const LATE_AFTER_S = Math.min(...LEVELS.map(({ everyS, coversS }) => coversS - everyS)) - 5;

export const DOWNSAMPLED: readonly Measurement[] = Object.values(MEASUREMENTS);

/** Records have one point at a time: a second is fine enough to keep each, and a minute might lose one of two. */
function intervalOf({ kind }: Measurement, level: Level): DurationS {
  return kind === "record" ? 1 : level.intervalS;
}

function selectionOf({ kind }: Measurement, { name, aggregate }: Field): string {
  const call = kind === "record" && aggregate !== "sum" ? "last" : aggregate;
  return `${call}(${identifier(name)}) AS ${identifier(name)}`;
}

function selectInto(rawPolicy: string, measurement: Measurement, level: Level, where: string): string {
  return [
    `SELECT ${measurement.fields.map((field) => selectionOf(measurement, field)).join(", ")}`,
    `INTO ${source(DATABASE, level.policy, measurement.name)}`,
    `FROM ${source(DATABASE, rawPolicy, measurement.name)}${where}`,
    `GROUP BY time(${formatDuration(intervalOf(measurement, level))}), * fill(none)`,
  ].join(" ");
}

export function continuousQueryName(measurement: Measurement, level: Level): string {
  return `${measurement.name}_${level.policy}`;
}

/** What has InfluxDB 1.x keep a level up to date by itself. */
export function continuousQuery(rawPolicy: string, measurement: Measurement, level: Level): string {
  return [
    `CREATE CONTINUOUS QUERY ${identifier(continuousQueryName(measurement, level))} ON ${identifier(DATABASE)}`,
    `RESAMPLE EVERY ${formatDuration(level.everyS)} FOR ${formatDuration(level.coversS)}`,
    `BEGIN ${selectInto(rawPolicy, measurement, level, "")} END`,
  ].join(" ");
}

/**
 * Computes a level again for a stretch of time, whole intervals of it; running it twice changes nothing.
 * @param fromS seconds since the epoch, a multiple of 60, as is `toS`, which is not included
 */
export function recomputation(
  rawPolicy: string,
  measurement: Measurement,
  level: Level,
  { fromS, toS }: { readonly fromS: number; readonly toS: number },
): string {
  return selectInto(rawPolicy, measurement, level, ` WHERE time >= ${fromS}s AND time < ${toS}s`);
}
