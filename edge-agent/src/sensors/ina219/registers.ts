/** Registers of the INA219 (TI SBOS448G, section 8.6, table 2). All hold their high byte first. */
export const REGISTER = {
  configuration: 0x00,
  shuntVoltage: 0x01,
  busVoltage: 0x02,
  power: 0x03,
  current: 0x04,
  calibration: 0x05,
} as const;

/** Bus voltage ranges: bit 13, BRNG (table 3). */
export const BUS_RANGES_V = [16, 32] as const;

/** Full scale of the shunt ADC in mV by the PGA's two bits 12:11, PG (table 4). */
const SHUNT_RANGES_MV = [40, 80, 160, 320] as const;

/** Bus voltage: bits 15:3 count 4 mV (section 8.6.3.2). */
export const BUS_LSB_V = 0.004;
/** Bit 1 of the bus voltage register: a conversion has ended; cleared by reading the power register. */
export const CONVERSION_READY = 0b10;
/** Bit 0 of it: current or power went out of range and "may be meaningless". */
export const MATH_OVERFLOW = 0b01;

/** The smallest shunt range, mV, that holds the largest current; `undefined` when none does. */
export function shuntRangeFor(shuntOhm: number, maxA: number): number | undefined {
  // Whole µV: 3.2 A through 0.1 ohm are 320 mV exactly, and not a rounding error more.
  const microvolts = Math.round(shuntOhm * maxA * 1e6);
  return SHUNT_RANGES_MV.find((range) => microvolts <= range * 1000);
}

/** Time of one shunt plus one bus conversion at 12 bits without averaging (table 5): 2 × 532 µs. */
export const CYCLE_US = 1064;

const ADC_12_BIT = 0b0011;
const CONTINUOUS_SHUNT_AND_BUS = 0b111;

/** The configuration register (section 8.6.2.1): 12 bits, one sample, continuous shunt and bus. */
export function configurationWord(busRangeV: (typeof BUS_RANGES_V)[number], shuntRangeMv: number): number {
  const brng = BUS_RANGES_V.indexOf(busRangeV);
  const pg = SHUNT_RANGES_MV.findIndex((range) => range === shuntRangeMv);
  return (brng << 13) | (pg << 11) | (ADC_12_BIT << 7) | (ADC_12_BIT << 3) | CONTINUOUS_SHUNT_AND_BUS;
}

/** How shunt and expected current scale the chip's results (section 8.5.1, equations 1 to 3). */
export interface Scale {
  /** Content of the calibration register; its bit 0 is always 0 in the chip. */
  readonly calibration: number;
  readonly currentLsbA: number;
  readonly powerLsbW: number;
}

/** Slightly more steps than the register has (2^15), so that a clipped shunt voltage overflows it and is reported. */
const CURRENT_STEPS = 32_800;
const CALIBRATION_CONSTANT = 0.04096;
const POWER_LSB_PER_CURRENT_LSB = 20;
const MAX_CALIBRATION = 0xfffe;

/**
 * Current LSB = maxA / 32,800, Cal = trunc(0.04096 / (current LSB · shunt)), power LSB = 20 current LSB. The LSBs are taken
 * back from the truncated calibration, so its rounding does not end up in the results.
 */
export function scaleFor(shuntOhm: number, maxA: number): Scale {
  const wanted = Math.trunc(CALIBRATION_CONSTANT / ((maxA / CURRENT_STEPS) * shuntOhm));
  const calibration = Math.min(wanted, MAX_CALIBRATION) & MAX_CALIBRATION;
  const currentLsbA = CALIBRATION_CONSTANT / (calibration * shuntOhm);
  return { calibration, currentLsbA, powerLsbW: POWER_LSB_PER_CURRENT_LSB * currentLsbA };
}
