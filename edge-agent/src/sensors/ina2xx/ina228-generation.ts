import type { IdRegisters } from "../recognition.ts";
import { type Adc, adcBits, INA228_ADC } from "./adc.ts";

/*
 * What INA228 (TI SLYS021A, section 7.6) and INA238 (SLYS025B, section 6.6) have alike: the map of registers, ranges, conversion and flags.
 * Their results differ in width and steps.
 */

/** All hold their high byte first. */
export const REGISTER = {
  configuration: 0x00,
  adcConfiguration: 0x01,
  shuntCalibration: 0x02,
  busVoltage: 0x05,
  power: 0x08,
  diagnostics: 0x0b,
  dieId: 0x3f,
} as const;

export const ID_REGISTERS: IdRegisters = { manufacturer: 0x3e, die: REGISTER.dieId };

/** Full scale of the shunt ADC: ADCRANGE 1 and 0 (table 8-1 of SLYS021A, section 7.1.1 of SLYS025B). */
export const SHUNT_RANGES_V = [0.04096, 0.16384] as const;
const NARROW_RANGE_V = 0.04096;
const NARROW_RANGE_FACTOR = 4;

/** Configuration register: bit 4 is ADCRANGE (table 7-5). */
const ADC_RANGE = 1 << 4;

export function configurationWord(shuntRangeV: number): number {
  return shuntRangeV === NARROW_RANGE_V ? ADC_RANGE : 0;
}

/** Bits of the register of diagnostic flags and alerts, DIAG_ALRT (table 7-16 of SLYS021A). */
export const DIAGNOSTICS = {
  /** ALATCH: flags stay until this register is read. It is 0 after a reset, and so tells one. */
  latch: 1 << 15,
  /**
   * MATHOF: current and power may be invalid; stays until another conversion is triggered, by writing ADC_CONFIG, or RSTACC (from
   * memory of table 7-16, not confirmed).
   */
  mathOverflow: 1 << 9,
  /** CNVRF: with ALATCH cleared by reading this register. */
  conversionReady: 1 << 1,
  /** MEMSTAT: 0 when the checksum of the trim memory is wrong. */
  memoryGood: 1 << 0,
} as const;

const CONTINUOUS_SHUNT_AND_BUS = 0xb;

/** ADC configuration register (table 7-6). Never the reset value 0xfb68, which converts temperature too. */
export function adcConfigurationWord(adc: Adc<(typeof INA228_ADC.timesUs)[number]>): number {
  return (CONTINUOUS_SHUNT_AND_BUS << 12) | adcBits(INA228_ADC, adc);
}

/** Of the chip's own arithmetic: steps of the current register in one direction, and SHUNT_CAL for 1 A and 1 ohm in the wide range. */
interface Arithmetic {
  readonly currentSteps: number;
  readonly calibrationConstant: number;
}

/**
 * Section 8.1.2 of SLYS021A, 7.1.2 of SLYS025B: current LSB = maxA / steps, SHUNT_CAL = constant · current LSB · shunt, four times that
 * in the narrow range. SHUNT_CAL is rounded up, so that maxA fits, and the LSB is taken back from it, so its rounding does not
 * end up in the results.
 */
export function calibrationFor(
  { currentSteps, calibrationConstant }: Arithmetic,
  shuntOhm: number,
  maxA: number,
  shuntRangeV: number,
): { readonly calibration: number; readonly currentLsbA: number } {
  const perLsb = calibrationConstant * shuntOhm * (shuntRangeV === NARROW_RANGE_V ? NARROW_RANGE_FACTOR : 1);
  const calibration = Math.ceil((maxA / currentSteps) * perLsb - 1e-6);
  return { calibration, currentLsbA: calibration / perLsb };
}
