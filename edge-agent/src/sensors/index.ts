import { z } from "zod";
import { estimate } from "./estimate/estimate.ts";
import { hwmon } from "./hwmon/hwmon.ts";
import { ina219 } from "./ina219/ina219.ts";
import { ina226 } from "./ina226/ina226.ts";
import { ina228 } from "./ina228/ina228.ts";
import { ina238 } from "./ina238/ina238.ts";
import { ina260 } from "./ina260/ina260.ts";
import { ina3221 } from "./ina3221/ina3221.ts";
import { pmic } from "./pmic/pmic.ts";
import { rapl } from "./rapl/rapl.ts";
import type { SensorDriver } from "./sensor.ts";

/**
 * Every source of power this agent can read; the keys are values of `source`. Where no meter is configured, the first that
 * is detected is taken, in this order, and `estimate` is always there.
 */
export const SENSORS = {
  ina219,
  ina226,
  ina228,
  ina238,
  ina260,
  ina3221,
  hwmon,
  pmic,
  rapl,
  estimate,
} as const;

export type SourceId = keyof typeof SENSORS;

export const SOURCE_IDS = Object.keys(SENSORS) as [SourceId, ...SourceId[]];

export function driverOf(source: SourceId): SensorDriver {
  // Each driver takes its own configuration, which its own schema has checked.
  return SENSORS[source];
}

const [first, ...others] = SOURCE_IDS.map((id) => driverOf(id).config.extend({ source: z.literal(id) }));
if (first === undefined) throw new RangeError("no source of power");

/** A meter in the configuration: its source, and the settings of that source's driver. */
export const meterSchema = z.discriminatedUnion("source", [first, ...others]);
