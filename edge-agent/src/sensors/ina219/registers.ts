import type { I2cBus } from "../../i2c/bus.ts";
import { hex } from "../../i2c/hex.ts";
import { readAnyDieId, type Recognition } from "../recognition.ts";
import type { ErrorLimits } from "../sensor.ts";

/** Registers of the INA219 (TI SBOS448G, section 8.6, table 2). All hold their high byte first. */
export const REGISTER = {
  configuration: 0x00,
  busVoltage: 0x02,
  power: 0x03,
  calibration: 0x05,
} as const;

/** Content of the configuration register after a reset (section 8.6.2.1). */
const RESET_CONFIGURATION = 0x399f;

/** Bus voltage ranges: bit 13, BRNG (table 3). */
export const BUS_RANGES_V = [16, 32] as const;

/** Full scale of the shunt ADC by the PGA's two bits 12:11, PG (table 4). */
export const SHUNT_RANGES_V = [0.04, 0.08, 0.16, 0.32] as const;

/** Bus voltage: bits 15:3 count 4 mV (section 8.6.3.2). */
export const BUS_LSB_V = 0.004;
/** Bit 1 of the bus voltage register: a conversion has ended; cleared by reading the power register. */
export const CONVERSION_READY = 0b10;
/** Bit 0 of it: current or power went out of range and "may be meaningless". */
export const MATH_OVERFLOW = 0b01;

/** Resolutions of one sample, bits (table 5). */
export const RESOLUTIONS_BITS = [9, 10, 11, 12] as const;
/** Time of a conversion at these resolutions, µs (section 7.5); at most a tenth more. */
const CONVERSION_US = [84, 148, 276, 532] as const;
/** Samples that are averaged, all of 12 bits (table 5). */
export const AVERAGING = [1, 2, 4, 8, 16, 32, 64, 128] as const;

/** How both ADCs convert. */
export interface Adc {
  readonly resolutionBits: (typeof RESOLUTIONS_BITS)[number];
  readonly averaging: (typeof AVERAGING)[number];
}

/** Time of one conversion of shunt or bus; averaged ones take 532 µs a sample (table 5). */
export function conversionUs({ resolutionBits, averaging }: Adc): number {
  return (CONVERSION_US[RESOLUTIONS_BITS.indexOf(resolutionBits)] ?? Number.NaN) * averaging;
}

/** Four bits of BADC and SADC (table 5): 0 to 3 are resolutions, 8 to 15 averages of 1 to 128 samples. */
function adcCode({ resolutionBits, averaging }: Adc): number {
  return averaging === 1 ? RESOLUTIONS_BITS.indexOf(resolutionBits) : 8 + AVERAGING.indexOf(averaging);
}

const CONTINUOUS_SHUNT_AND_BUS = 0b111;

/** The configuration register (section 8.6.2.1) for continuous shunt and bus. */
export function configurationWord(busRangeV: (typeof BUS_RANGES_V)[number], shuntRangeV: number, adc: Adc): number {
  const brng = BUS_RANGES_V.indexOf(busRangeV);
  const pg = SHUNT_RANGES_V.findIndex((range) => range === shuntRangeV);
  const code = adcCode(adc);
  return (brng << 13) | (pg << 11) | (code << 7) | (code << 3) | CONTINUOUS_SHUNT_AND_BUS;
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
  // The quotient of round figures can come out a rounding error below a whole number.
  const wanted = Math.trunc(CALIBRATION_CONSTANT / ((maxA / CURRENT_STEPS) * shuntOhm) + 1e-6);
  const calibration = Math.min(wanted, MAX_CALIBRATION) & MAX_CALIBRATION;
  const currentLsbA = CALIBRATION_CONSTANT / (calibration * shuntOhm);
  return { calibration, currentLsbA, powerLsbW: POWER_LSB_PER_CURRENT_LSB * currentLsbA };
}

/** Offset of the shunt ADC by PGA, V (section 7.5, A grade; the B grade has half). */
const SHUNT_OFFSET_V = [100e-6, 125e-6, 150e-6, 200e-6] as const;

/**
 * Section 7.5, largest at 25 °C, A grade: current ±0.5 %, bus voltage ±0.5 % (each ±1 % from -25 to 85 °C), offset of the
 * shunt ADC by its range (drift 0.1 µV/°C, typical). The bus ADC has no offset of its own there.
 */
export function errorLimits(shunt: {
  readonly ohm: number;
  readonly tolerance: number;
  readonly rangeV: number;
}): ErrorLimits {
  const offsetV = SHUNT_OFFSET_V[SHUNT_RANGES_V.findIndex((range) => range === shunt.rangeV)] ?? Number.NaN;
  return {
    gain: { shuntTolerance: shunt.tolerance, currentGain: 0.005, busGain: 0.005 },
    offsetA: offsetV / shunt.ohm,
    offsetV: 0,
    timeBase: 0,
  };
}

/** RST, which reads 0, and the bit beside it, which the chip does not have. */
const ALWAYS_ZERO = 0xc000;
/** Bit 0 of the calibration register reads 0 whatever is written (section 8.6.4.1). */
const CALIBRATION_ALWAYS_ZERO = 0b1;
/** Has its bit 0 set, and is no calibration that anyone uses. */
const PATTERN = 0x2aab;

function recognise(bus: I2cBus, address: number): string | undefined {
  if (readAnyDieId(bus, address) !== undefined) return undefined;
  const configuration = bus.readWord(address, REGISTER.configuration);
  if ((configuration & ALWAYS_ZERO) !== 0 || configuration === 0) return undefined;
  if ((bus.readWord(address, REGISTER.calibration) & CALIBRATION_ALWAYS_ZERO) !== 0) return undefined;
  return configuration === RESET_CONFIGURATION
    ? `no id registers; configuration ${hex(configuration)}, the reset value`
    : `no id registers; configuration ${hex(configuration)} is plausible`;
}

/**
 * A chip that is set up may be somebody's meter: what is written to it leaves its calibration as it is. One that is not gets
 * a pattern for a moment.
 */
function confirm(bus: I2cBus, address: number): string | undefined {
  const before = bus.readWord(address, REGISTER.calibration);
  const written = before === 0 ? PATTERN : before | CALIBRATION_ALWAYS_ZERO;
  bus.writeWord(address, REGISTER.calibration, written);
  const readBack = bus.readWord(address, REGISTER.calibration);
  bus.writeWord(address, REGISTER.calibration, before);
  return readBack === (written & ~CALIBRATION_ALWAYS_ZERO)
    ? `calibration ${hex(written)} reads back as ${hex(readBack)}`
    : undefined;
}

/** The chip has no id registers: it is known by bits that read 0 whatever is written. */
export const RECOGNITION: Recognition = { recognise, confirm };
