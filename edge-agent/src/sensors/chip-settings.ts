import { z } from "zod";
import { DeviceError } from "../errors.ts";

/** Highest address that A0 and A1 can strap most of Texas Instruments' power monitors to. */
const LAST_ADDRESS = 0x4f;

/** Configuration of where a chip is. */
export function locationSettings(lastAddress: number = LAST_ADDRESS) {
  return {
    bus: z.number().int().nonnegative().default(1).describe("number of the I2C bus: 1 is /dev/i2c-1"),
    address: z
      .number()
      .int()
      .min(0x40)
      .max(lastAddress)
      .default(0x40)
      .describe("address set by the chip's address pins"),
  };
}

/** Configuration of a shunt outside the chip, with what common breakouts carry as default. */
export function shuntSettings(defaults: { readonly shuntOhm: number; readonly maxA: number }) {
  return {
    shuntOhm: z.number().positive().max(1).default(defaults.shuntOhm).describe("resistance of the shunt"),
    shuntTolerance: z.number().min(0).max(0.2).default(0.01).describe("its tolerance: 0.01 is 1 %"),
    maxA: z
      .number()
      .positive()
      .max(100)
      .default(defaults.maxA)
      .describe("largest current to expect; sets range and resolution"),
  };
}

/**
 * The smallest full scale, V, of those in ascending order that holds the largest current.
 * @throws {DeviceError} `shunt-range` when none does
 */
export function shuntRangeFor(
  name: string,
  { shuntOhm, maxA }: { readonly shuntOhm: number; readonly maxA: number },
  rangesV: readonly number[],
): number {
  // Whole µV: 3.2 A through 0.1 ohm are 320 mV exactly, and not a rounding error more.
  const microvolts = Math.round(shuntOhm * maxA * 1e6);
  const found = rangesV.find((rangeV) => microvolts <= Math.round(rangeV * 1e6));
  if (found !== undefined) return found;
  const largestV = Math.max(...rangesV);
  throw new DeviceError(
    `${name}: ${maxA} A through ${shuntOhm} ohm exceed the chip's ${largestV * 1000} mV: set maxA to ${floorTo3(largestV / shuntOhm)} or less, or fit a smaller shunt`,
    { code: "shunt-range", context: { maxA, shuntOhm } },
  );
}

/** Three digits are enough to set, and rounding down keeps them in range. */
function floorTo3(amps: number): number {
  const step = 10 ** (Math.floor(Math.log10(amps)) - 2);
  return Number((Math.floor(amps / step + 1e-9) * step).toPrecision(3));
}

/** Beyond this part of full scale a shunt voltage counts as clipped. */
const USABLE_SCALE = 0.99;

/** Current from which on a reading is an overflow, A. */
export function overflowA(fullScaleV: number, shuntOhm: number): number {
  return (USABLE_SCALE * fullScaleV) / shuntOhm;
}

/** Says which setting to change when the current is out of range. */
export const OVERFLOW_ADVICE = "raise maxA or fit a smaller shunt";

export const RESET_ADVICE = "the chip was reset and has been set up again: check its supply";
