import type { ErrorLimits } from "../sensor.ts";
import * as ina219 from "../ina219/registers.ts";
import * as ina226 from "../ina226/registers.ts";
import * as ina228 from "../ina228/registers.ts";
import * as ina238 from "../ina238/registers.ts";
import * as ina260 from "../ina260/registers.ts";
import * as ina3221 from "../ina3221/registers.ts";

interface Shunt {
  readonly ohm: number;
  readonly tolerance: number;
}

/** What is known of a power monitor that a kernel driver reads. */
interface KnownChip {
  /** Time of one reading as the driver sets the chip up, where it has no `update_interval`, ms. */
  readonly intervalMs?: number;
  /** From its datasheet; a chip with a shunt inside needs none. */
  readonly limits?: ((shunt: Shunt) => ErrorLimits) | ErrorLimits;
}

/** ina2xx.c sets 0x399F: 12 bits without averaging, shunt and bus, ± 320 mV. */
const LIKE_INA219: KnownChip = {
  intervalMs: 1.064,
  limits: (shunt) => ina219.errorLimits({ ...shunt, rangeV: 0.32 }),
};
const LIKE_INA226: KnownChip = { limits: ina226.errorLimits };
/** ina238.c sets ADC_CONFIG to 0xFB6A: three conversions of 1052 µs, 16 averages; newer kernels have update_interval. */
const INA238_INTERVAL_MS = 3 * 1.052 * 16;

/** Power monitors by what their drivers call them (Documentation/hwmon: ina2xx, ina238, ina3221). */
const CHIPS: Readonly<Record<string, KnownChip>> = {
  ina219: LIKE_INA219,
  ina220: LIKE_INA219,
  ina226: LIKE_INA226,
  ina230: LIKE_INA226,
  ina231: LIKE_INA226,
  ina260: { limits: ina260.ERROR_LIMITS },
  ina3221: { limits: ina3221.errorLimits },
  ina228: { intervalMs: INA238_INTERVAL_MS, limits: ina228.errorLimits },
  ina237: { intervalMs: INA238_INTERVAL_MS },
  ina238: { intervalMs: INA238_INTERVAL_MS, limits: ina238.errorLimits },
};

/** Taken where neither the driver nor the configuration says how long a reading takes, ms. */
const UNKNOWN_INTERVAL_MS = 100;

/** Whether a hwmon chip is a power monitor that edgewatt takes without being told. */
export function isPowerMonitor(name: string): boolean {
  return Object.hasOwn(CHIPS, name);
}

export function defaultIntervalMs(name: string): number {
  return CHIPS[name]?.intervalMs ?? UNKNOWN_INTERVAL_MS;
}

/** Limits of error by the chip's name; `null` where nobody states them or the shunt is not known. hwmon gives no running totals. */
export function limitsOf(name: string, shuntOhm: number | null, tolerance: number): ErrorLimits | null {
  const limits = CHIPS[name]?.limits;
  if (limits === undefined) return null;
  if (typeof limits !== "function") return limits;
  return shuntOhm === null ? null : { ...limits({ ohm: shuntOhm, tolerance }), timeBase: 0 };
}
