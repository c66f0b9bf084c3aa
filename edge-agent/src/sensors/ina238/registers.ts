import { calibrationFor, ID_REGISTERS } from "../ina2xx/ina228-generation.ts";
import { recogniseDie } from "../recognition.ts";
import type { ErrorLimits } from "../sensor.ts";

export const RECOGNITION = recogniseDie(ID_REGISTERS, 0x238);

export const POWER_BYTES = 3;

export const BUS_LSB_V = 3.125e-3;

export interface Scale {
  readonly calibration: number;
  readonly currentLsbA: number;
  readonly powerLsbW: number;
}

/** The current register has a sign and 15 bits. */
const ARITHMETIC = { currentSteps: 2 ** 15, calibrationConstant: 819.2e6 };
const POWER_LSB_PER_CURRENT_LSB = 0.2;

/** Section 7.1.2: power LSB = 0.2 current LSB. */
export function scaleFor(shuntOhm: number, maxA: number, shuntRangeV: number): Scale {
  const calibrated = calibrationFor(ARITHMETIC, shuntOhm, maxA, shuntRangeV);
  return { ...calibrated, powerLsbW: POWER_LSB_PER_CURRENT_LSB * calibrated.currentLsbA };
}

/**
 * Section 5.5, largest at 25 °C: gain of shunt and bus ADC 0.1 % each (drift 25 ppm/°C), offset 5 µV (0.02 µV/°C) and 5 mV
 * (40 µV/°C).
 */
export function errorLimits(shunt: { readonly ohm: number; readonly tolerance: number }): ErrorLimits {
  return {
    gain: { shuntTolerance: shunt.tolerance, currentGain: 0.001, busGain: 0.001 },
    offsetA: 5e-6 / shunt.ohm,
    offsetV: 5e-3,
    timeBase: 0,
  };
}
