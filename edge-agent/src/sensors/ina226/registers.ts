import { type Adc, adcBits, INA226_ADC } from "../ina2xx/adc.ts";
import { recogniseDie } from "../recognition.ts";
import type { ErrorLimits } from "../sensor.ts";

/** Registers of the INA226 (TI SBOS547B, section 7.1, table 7-1). All hold their high byte first. */
export const REGISTER = {
  configuration: 0x00,
  busVoltage: 0x02,
  power: 0x03,
  calibration: 0x05,
  maskEnable: 0x06,
  manufacturerId: 0xfe,
  dieId: 0xff,
} as const;

export const RECOGNITION = recogniseDie({ manufacturer: REGISTER.manufacturerId, die: REGISTER.dieId }, 0x226);

/** Full scale of the shunt ADC (section 5.5): 2^15 steps of 2.5 µV. */
export const SHUNT_FULL_SCALE_V = 0.08192;
/** Section 7.1, bus voltage register. */
export const BUS_LSB_V = 0.00125;

/** Bit 3 of the mask/enable register, CVRF: cleared by reading that register. */
export const CONVERSION_READY = 1 << 3;
/** Bit 2 of it, OVF: current and power may be invalid. */
export const MATH_OVERFLOW = 1 << 2;

/** Bits 14:12 read so after a reset (0x4127) and mean nothing. */
const RESERVED = 0x4000;
const CONTINUOUS_SHUNT_AND_BUS = 0b111;

export function configurationWord(adc: Adc<(typeof INA226_ADC.timesUs)[number]>): number {
  return RESERVED | adcBits(INA226_ADC, adc) | CONTINUOUS_SHUNT_AND_BUS;
}

export interface Scale {
  readonly calibration: number;
  readonly currentLsbA: number;
  readonly powerLsbW: number;
}

/** The current register has a sign and 15 bits (section 6.5.1, equation 2). */
const CURRENT_STEPS = 2 ** 15;
const CALIBRATION_CONSTANT = 0.00512;
const POWER_LSB_PER_CURRENT_LSB = 25;
const MAX_CALIBRATION = 0x7fff;

/**
 * Current LSB = maxA / 2^15, Cal = 0.00512 / (current LSB · shunt), power LSB = 25 current LSB (section 6.5.1, equations 1
 * and 2). The LSBs are taken back from the truncated calibration, so its rounding does not end up in the results.
 */
export function scaleFor(shuntOhm: number, maxA: number): Scale {
  // The quotient of round figures can come out a rounding error below a whole number.
  const wanted = Math.trunc(CALIBRATION_CONSTANT / ((maxA / CURRENT_STEPS) * shuntOhm) + 1e-6);
  const calibration = Math.min(wanted, MAX_CALIBRATION);
  const currentLsbA = CALIBRATION_CONSTANT / (calibration * shuntOhm);
  return { calibration, currentLsbA, powerLsbW: POWER_LSB_PER_CURRENT_LSB * currentLsbA };
}

/**
 * Section 5.5, largest at 25 °C: gain of shunt and bus ADC 0.1 % each (drift 50 ppm/°C), offset 10 µV (0.1 µV/°C) and 7.5 mV
 * (40 µV/°C).
 */
export function errorLimits(shunt: { readonly ohm: number; readonly tolerance: number }): ErrorLimits {
  return {
    gain: { shuntTolerance: shunt.tolerance, currentGain: 0.001, busGain: 0.001 },
    offsetA: 10e-6 / shunt.ohm,
    offsetV: 7.5e-3,
    timeBase: 0,
  };
}
