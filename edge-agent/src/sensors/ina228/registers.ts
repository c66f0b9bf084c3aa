import { CLOCK_LIMIT } from "../../measure/uncertainty.ts";
import { recogniseDie } from "../recognition.ts";
import type { ErrorLimits } from "../sensor.ts";

/** Registers of the INA228 (TI SLYS021A, section 7.6, table 7-3), of 16, 24 and 40 bits. All hold their high byte first. */
export const REGISTER = {
  configuration: 0x00,
  adcConfiguration: 0x01,
  shuntCalibration: 0x02,
  busVoltage: 0x05,
  current: 0x07,
  power: 0x08,
  energy: 0x09,
  diagnostics: 0x0b,
  manufacturerId: 0x3e,
  dieId: 0x3f,
} as const;

export const RECOGNITION = recogniseDie({ manufacturer: REGISTER.manufacturerId, die: REGISTER.dieId }, 0x228);

/** Bytes of the registers that are no words. */
export const RESULT_BYTES = 3;
export const ENERGY_BYTES = 5;
/** Voltage and current fill bits 23:4 of their registers. */
export const UNUSED_LOW_BITS = 4;

/** Full scale of the shunt ADC (section 8.1.1, table 8-1): ADCRANGE 1 and 0. */
export const SHUNT_RANGES_V = [0.04096, 0.16384] as const;
const NARROW_RANGE_V = 0.04096;
export const BUS_LSB_V = 195.3125e-6;

/** Configuration register: bit 4 is ADCRANGE, bit 14 RSTACC, which clears energy and charge and itself (table 7-5). */
const ADC_RANGE = 1 << 4;
export const RESET_ACCUMULATORS = 1 << 14;

export function configurationWord(shuntRangeV: number): number {
  return shuntRangeV === NARROW_RANGE_V ? ADC_RANGE : 0;
}

/** Bits of the register of diagnostic flags and alerts, DIAG_ALRT (table 7-16). */
export const DIAGNOSTICS = {
  /** ALATCH: flags stay until this register is read. It is 0 after a reset, and so tells one. */
  latch: 1 << 15,
  /** ENERGYOF: the 40 bits of energy overflowed; cleared by reading the energy. */
  energyOverflow: 1 << 11,
  /** MATHOF: current and power may be invalid; stays until another conversion is triggered or the accumulators are cleared. */
  mathOverflow: 1 << 9,
  /** CNVRF: with ALATCH cleared by reading this register. */
  conversionReady: 1 << 1,
  /** MEMSTAT: 0 when the checksum of the trim memory is wrong. */
  memoryGood: 1 << 0,
} as const;

/** Samples in one reading by AVG, bits 2:0 of the ADC configuration (table 7-6). */
export const AVERAGING = [1, 4, 16, 64, 128, 256, 512, 1024] as const;
/** Time of one sample, µs, by VBUSCT, bits 11:9, and VSHCT, bits 8:6 (table 7-6). */
export const CONVERSIONS_US = [50, 84, 150, 280, 540, 1052, 2074, 4120] as const;

export interface Adc {
  readonly averaging: (typeof AVERAGING)[number];
  readonly busConversionUs: (typeof CONVERSIONS_US)[number];
  readonly shuntConversionUs: (typeof CONVERSIONS_US)[number];
}

/** From one result to the next: all samples of the shunt and the bus, without the temperature. */
export function cycleUs({ averaging, busConversionUs, shuntConversionUs }: Adc): number {
  return averaging * (busConversionUs + shuntConversionUs);
}

const CONTINUOUS_SHUNT_AND_BUS = 0xb;

/** ADC configuration register (table 7-6). Never the reset value 0xfb68, which converts temperature too. */
export function adcConfigurationWord({ averaging, busConversionUs, shuntConversionUs }: Adc): number {
  return (
    (CONTINUOUS_SHUNT_AND_BUS << 12) |
    (CONVERSIONS_US.indexOf(busConversionUs) << 9) |
    (CONVERSIONS_US.indexOf(shuntConversionUs) << 6) |
    AVERAGING.indexOf(averaging)
  );
}

export interface Scale {
  readonly calibration: number;
  readonly currentLsbA: number;
  readonly powerLsbW: number;
  readonly energyLsbJ: number;
}

/** The current register has a sign and 19 bits. */
const CURRENT_STEPS = 2 ** 19;
const CALIBRATION_CONSTANT = 13_107.2e6;
const NARROW_RANGE_FACTOR = 4;
const POWER_LSB_PER_CURRENT_LSB = 3.2;
const ENERGY_LSB_PER_POWER_LSB = 16;

/**
 * Section 8.1.2: current LSB = maxA / 2^19, SHUNT_CAL = 13107.2e6 · current LSB · shunt, four times that in the narrow range;
 * power LSB = 3.2 current LSB, energy LSB = 16 power LSB · 1 s. SHUNT_CAL is rounded up, so that maxA fits, and the LSBs are
 * taken back from it, so its rounding does not end up in the results.
 */
export function scaleFor(shuntOhm: number, maxA: number, shuntRangeV: number): Scale {
  const perLsb = CALIBRATION_CONSTANT * shuntOhm * (shuntRangeV === NARROW_RANGE_V ? NARROW_RANGE_FACTOR : 1);
  const calibration = Math.ceil((maxA / CURRENT_STEPS) * perLsb - 1e-6);
  const currentLsbA = calibration / perLsb;
  const powerLsbW = POWER_LSB_PER_CURRENT_LSB * currentLsbA;
  return { calibration, currentLsbA, powerLsbW, energyLsbJ: ENERGY_LSB_PER_POWER_LSB * powerLsbW };
}

/** Of the oscillator, at 25 °C (section 7.3.6). */
const OSCILLATOR_LIMIT = 0.005;

/**
 * Section 6.5, largest at 25 °C: gain of shunt and bus ADC 0.05 % each (drift 20 ppm/°C), offset 1 µV for conversions above
 * 280 µs (0.01 µV/°C) and 2.5 mV (40 µV/°C), oscillator 0.5 %.
 *
 * The oscillator is the source of the conversions' timing and of the time by which power becomes energy and charge, so a chip
 * that converts too fast counts too much by the same factor. Once its conversions are timed by CLOCK_MONOTONIC, what is left
 * is the limit of that measurement and the one of CLOCK_MONOTONIC itself.
 * @param shunt.clockLimit of the correction by measured conversions, where there is one
 */
export function errorLimits(shunt: {
  readonly ohm: number;
  readonly tolerance: number;
  readonly clockLimit?: number;
}): ErrorLimits {
  return {
    gain: { shuntTolerance: shunt.tolerance, currentGain: 0.0005, busGain: 0.0005 },
    offsetA: 1e-6 / shunt.ohm,
    offsetV: 2.5e-3,
    timeBase: shunt.clockLimit === undefined ? OSCILLATOR_LIMIT : shunt.clockLimit + CLOCK_LIMIT,
  };
}
