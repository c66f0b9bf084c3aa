import { type Adc, adcBits, INA226_ADC } from "../ina2xx/adc.ts";
import { recogniseDie } from "../recognition.ts";
import type { ErrorLimits } from "../sensor.ts";

/** Registers of the INA260 (TI SBOS656C, section 8.6). All hold their high byte first. */
export const REGISTER = {
  configuration: 0x00,
  current: 0x01,
  busVoltage: 0x02,
  maskEnable: 0x06,
  manufacturerId: 0xfe,
  dieId: 0xff,
} as const;

export const RECOGNITION = recogniseDie({ manufacturer: REGISTER.manufacturerId, die: REGISTER.dieId }, 0x227);

/** Through the shunt of 2 mOhm in the chip (sections 8.6.2, 8.6.3). */
export const CURRENT_LSB_A = 0.00125;
export const BUS_LSB_V = 0.00125;
/** The shunt in the chip carries so much for long (section 7.1). */
export const CONTINUOUS_A = 15;
/** Content of the current register that is clipped, or nearly. */
export const OVERFLOW_CURRENT = 0.99 * 2 ** 15;

/** Bits of the mask/enable register (section 8.6.5). */
export const MASK_ENABLE = {
  /** CVRF: cleared by reading this register. */
  conversionReady: 1 << 3,
  /** OVF: a result may be invalid. */
  mathOverflow: 1 << 2,
  /** LEN: alerts are latched. It is 0 after a reset, and so tells one. */
  latch: 1 << 0,
} as const;

/** Bits 14:12 read so after a reset (0x6127) and mean nothing. */
const RESERVED = 0x6000;
const CONTINUOUS_CURRENT_AND_BUS = 0b111;

export function configurationWord(adc: Adc<(typeof INA226_ADC.timesUs)[number]>): number {
  return RESERVED | adcBits(INA226_ADC, adc) | CONTINUOUS_CURRENT_AND_BUS;
}

/**
 * Section 7.5, largest at 25 °C: gain of the current with its shunt 0.15 % (drift 35 ppm/°C), of the bus 0.1 % (50 ppm/°C),
 * offset 5 mA (50 µA/°C) and 7.5 mV (40 µV/°C). Offset of the current and both gains were read in SBOS656C; the offset of the bus
 * ADC and the drifts of the gains are from memory and not confirmed; the table of the INA226 (SBOS547B, section 5.5) has the same for the bus ADC.
 */
export const ERROR_LIMITS: ErrorLimits = {
  gain: { currentGain: 0.0015, busGain: 0.001 },
  offsetA: 5e-3,
  offsetV: 7.5e-3,
  timeBase: 0,
};
