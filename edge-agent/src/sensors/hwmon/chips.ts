import type { ErrorLimits } from "../sensor.ts";

/** What is known of a power monitor that a kernel driver reads. */
interface KnownChip {
  /** Time of one reading as the driver sets the chip up, where it has no `update_interval`, ms. */
  readonly intervalMs?: number;
  readonly limits?: {
    readonly currentGain: number;
    /** Offset of the shunt voltage, V, or of the current where the shunt is inside the chip, A. */
    readonly offset: { readonly shuntV: number } | { readonly currentA: number };
    readonly busGain: number;
    readonly busOffsetV: number;
  };
}

const INA219 = {
  // ina2xx.c sets 0x399F: 12 bits without averaging, shunt and bus, 2 × 532 µs; the range is ± 320 mV (PGA ÷ 8).
  intervalMs: 1.064,
  // SBOS448G, section 7.5: INA219A, 25 °C; offset at PGA ÷ 8.
  limits: { currentGain: 0.005, offset: { shuntV: 200e-6 }, busGain: 0.005, busOffsetV: 0 },
};
// SBOS547B, section 7.5.
const INA226 = { limits: { currentGain: 0.001, offset: { shuntV: 10e-6 }, busGain: 0.001, busOffsetV: 7.5e-3 } };
// ina238.c sets ADC_CONFIG to 0xFB6A: three conversions of 1052 µs, 16 averages; newer kernels have update_interval.
const INA238_INTERVAL_MS = 3 * 1.052 * 16;

/** Power monitors by what their drivers call them (Documentation/hwmon: ina2xx, ina238, ina3221). */
const CHIPS: Readonly<Record<string, KnownChip>> = {
  ina219: INA219,
  ina220: INA219,
  ina226: INA226,
  ina230: INA226,
  ina231: INA226,
  // SBOS656C, section 7.5: the shunt is inside and part of the current's error.
  ina260: { limits: { currentGain: 0.005, offset: { currentA: 5e-3 }, busGain: 0.001, busOffsetV: 7.5e-3 } },
  // SBOS576B, section 7.5.
  ina3221: { limits: { currentGain: 0.0025, offset: { shuntV: 80e-6 }, busGain: 0.0025, busOffsetV: 16e-3 } },
  // SBOSA20, section 6.5.
  ina228: {
    intervalMs: INA238_INTERVAL_MS,
    limits: { currentGain: 0.0005, offset: { shuntV: 1e-6 }, busGain: 0.0005, busOffsetV: 2.5e-3 },
  },
  ina237: { intervalMs: INA238_INTERVAL_MS },
  // SBOSA16, section 6.5.
  ina238: {
    intervalMs: INA238_INTERVAL_MS,
    limits: { currentGain: 0.001, offset: { shuntV: 5e-6 }, busGain: 0.001, busOffsetV: 5e-3 },
  },
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

/** Limits of error by the chip's name; `null` where nobody states them or the shunt is not known. */
export function limitsOf(name: string, shuntOhm: number | null, shuntTolerance: number): ErrorLimits | null {
  const limits = CHIPS[name]?.limits;
  if (limits === undefined) return null;
  const { currentGain, offset, busGain, busOffsetV } = limits;
  const common = { offsetV: busOffsetV, timeBase: 0 };
  if ("currentA" in offset) return { ...common, gain: { currentGain, busGain }, offsetA: offset.currentA };
  if (shuntOhm === null) return null;
  return { ...common, gain: { shuntTolerance, currentGain, busGain }, offsetA: offset.shuntV / shuntOhm };
}
