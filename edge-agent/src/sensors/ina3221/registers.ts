import { type Adc, adcBits, INA226_ADC } from "../ina2xx/adc.ts";
import { recogniseDie } from "../recognition.ts";
import type { ErrorLimits } from "../sensor.ts";

/** Registers of the INA3221 (TI SBOS576C, section 7.6). All hold their high byte first. */
export const REGISTER = {
  configuration: 0x00,
  maskEnable: 0x0f,
  manufacturerId: 0xfe,
  dieId: 0xff,
} as const;

export const RECOGNITION = recogniseDie({ manufacturer: REGISTER.manufacturerId, die: REGISTER.dieId }, 0x322);

/** A0 straps one of four addresses (section 7.5.1.1). */
export const LAST_ADDRESS = 0x43;

export const INPUTS = [1, 2, 3] as const;
export type Input = (typeof INPUTS)[number];

/** Registers 1, 3 and 5. */
export function shuntVoltageRegister(input: Input): number {
  return 2 * input - 1;
}

/** Registers 2, 4 and 6. */
export function busVoltageRegister(input: Input): number {
  return 2 * input;
}

/** Results fill bits 15:3, with a sign (sections 7.6.2.2, 7.6.2.3). */
export const UNUSED_LOW_BITS = 3;
export const SHUNT_LSB_V = 40e-6;
export const BUS_LSB_V = 8e-3;
/** Full scale of the shunt ADC (section 6.5). */
export const SHUNT_FULL_SCALE_V = 0.1638;

/** Bits of the mask/enable register (section 7.6.2.17). */
export const MASK_ENABLE = {
  /** CEN: critical alerts are latched. It is 0 after a reset, and so tells one. */
  latch: 1 << 10,
  /** CVRF: all enabled channels have been converted; cleared by reading this register. */
  conversionReady: 1 << 0,
} as const;

const CONTINUOUS_SHUNT_AND_BUS = 0b111;

/** The enable bits 14 to 12 are those of inputs 1 to 3. */
export function configurationWord(adc: Adc<(typeof INA226_ADC.timesUs)[number]>, inputs: readonly Input[]): number {
  const enabled = inputs.reduce((bits, input) => bits | (1 << (15 - input)), 0);
  return enabled | adcBits(INA226_ADC, adc) | CONTINUOUS_SHUNT_AND_BUS;
}

/** When the channels are converted: one after another, shunt and bus each, as often as is averaged (section 7.4.2.2). */
export interface Timing {
  /** From one end of conversion to the next. */
  readonly cycleUs: number;
  /** From the first sample of a channel to its last, which its reading is a mean over. */
  readonly averagingUs: number;
  /** The middle of a channel's samples before the end of conversion, by its place among the enabled ones. */
  middleBeforeEndUs(place: number): number;
}

export function timingOf({ averaging, busConversionUs, shuntConversionUs }: Adc, channels: number): Timing {
  const pairUs = busConversionUs + shuntConversionUs;
  const roundUs = channels * pairUs;
  const cycleUs = averaging * roundUs;
  return {
    cycleUs,
    averagingUs: cycleUs - roundUs + pairUs,
    middleBeforeEndUs: (place) => cycleUs / 2 + (channels / 2 - place - 0.5) * pairUs,
  };
}

/**
 * Section 6.5, largest at 25 °C: gain of shunt and bus ADC 0.25 % each (drift 50 ppm/°C), offset 80 µV (0.5 µV/°C) and 16 mV
 * (80 µV/°C).
 */
export function errorLimits(shunt: { readonly ohm: number; readonly tolerance: number }): ErrorLimits {
  return {
    gain: { shuntTolerance: shunt.tolerance, currentGain: 0.0025, busGain: 0.0025 },
    offsetA: 80e-6 / shunt.ohm,
    offsetV: 16e-3,
    timeBase: 0,
  };
}
