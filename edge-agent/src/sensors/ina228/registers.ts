import { CLOCK_LIMIT } from "../../measure/uncertainty.ts";
import {
  calibrationFor,
  DIAGNOSTICS as SHARED_DIAGNOSTICS,
  ID_REGISTERS,
  REGISTER as SHARED_REGISTER,
} from "../ina2xx/ina228-generation.ts";
import { recogniseDie } from "../recognition.ts";
import type { ErrorLimits } from "../sensor.ts";

/** Registers of the INA228 (TI SLYS021A, section 7.6, table 7-3), of 16, 24 and 40 bits, beside those that the INA238 has too. */
export const REGISTER = { ...SHARED_REGISTER, current: 0x07, energy: 0x09 } as const;

export const RECOGNITION = recogniseDie(ID_REGISTERS, 0x228);

/** Bytes of the registers that are no words. */
export const RESULT_BYTES = 3;
export const ENERGY_BYTES = 5;
/** Voltage and current fill bits 23:4 of their registers. */
export const UNUSED_LOW_BITS = 4;

export const BUS_LSB_V = 195.3125e-6;

/** Configuration register: bit 14, RSTACC, clears energy and charge and itself (table 7-5). */
export const RESET_ACCUMULATORS = 1 << 14;

export const DIAGNOSTICS = {
  ...SHARED_DIAGNOSTICS,
  /** ENERGYOF: the 40 bits of energy overflowed; cleared by reading the energy (from memory of table 7-16, not confirmed). */
  energyOverflow: 1 << 11,
} as const;

export interface Scale {
  readonly calibration: number;
  readonly currentLsbA: number;
  readonly powerLsbW: number;
  readonly energyLsbJ: number;
}

/** The current register has a sign and 19 bits. */
const ARITHMETIC = { currentSteps: 2 ** 19, calibrationConstant: 13_107.2e6 };
const POWER_LSB_PER_CURRENT_LSB = 3.2;
const ENERGY_LSB_PER_POWER_LSB = 16;

/** Section 8.1.2: power LSB = 3.2 current LSB, energy LSB = 16 power LSB · 1 s. */
export function scaleFor(shuntOhm: number, maxA: number, shuntRangeV: number): Scale {
  const calibrated = calibrationFor(ARITHMETIC, shuntOhm, maxA, shuntRangeV);
  const powerLsbW = POWER_LSB_PER_CURRENT_LSB * calibrated.currentLsbA;
  return { ...calibrated, powerLsbW, energyLsbJ: ENERGY_LSB_PER_POWER_LSB * powerLsbW };
}

/** Of the oscillator, at 25 °C (section 7.3.6). */
const OSCILLATOR_LIMIT = 0.005;

/**
 * Section 6.5, largest at 25 °C: gain of shunt and bus ADC 0.05 % each (drift 20 ppm/°C), offset 1 µV for conversions above
 * 280 µs (0.01 µV/°C) and 2.5 mV (40 µV/°C), oscillator 0.5 %.
 *
 * Read in TI's pages on the chip: offset, gain and their drifts of the shunt ADC, gain of the bus ADC (e2e.ti.com, thread 1279620),
 * oscillator. From memory and not confirmed: offset of the bus ADC and its drift; the INA238's table has 5 mV and 40 µV/°C.
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
