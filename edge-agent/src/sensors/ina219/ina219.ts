import { z } from "zod";
import { DeviceError } from "../../errors.ts";
import type { I2cChip } from "../../i2c/chip.ts";
import { hex } from "../../i2c/hex.ts";
import {
  locationSettings,
  overflowA,
  OVERFLOW_ADVICE,
  RESET_ADVICE,
  shuntRangeFor,
  shuntSettings,
} from "../chip-settings.ts";
import { openRecognised, wrongChip } from "../recognition.ts";
import { defineDriver, type Reading, type Sensor } from "../sensor.ts";
import {
  AVERAGING,
  BUS_LSB_V,
  BUS_RANGES_V,
  configurationWord,
  CONVERSION_READY,
  conversionUs,
  errorLimits,
  MATH_OVERFLOW,
  RECOGNITION,
  REGISTER,
  RESOLUTIONS_BITS,
  scaleFor,
  SHUNT_RANGES_V,
} from "./registers.ts";

const NAME = "INA219";

const config = z.strictObject({
  ...locationSettings(),
  ...shuntSettings({ shuntOhm: 0.1, maxA: 3.2 }),
  busRangeV: z.literal(BUS_RANGES_V).default(16).describe("full scale of the supply voltage"),
  resolutionBits: z.literal(RESOLUTIONS_BITS).default(12).describe("of one sample; fewer bits convert faster"),
  averaging: z.literal(AVERAGING).default(1).describe("samples of 12 bits in one reading"),
});

/**
 * INA219 (TI SBOS448G): power from the chip's own product of shunt and bus voltage, one per conversion cycle, 1.064 ms by
 * default. The register holds a magnitude, whichever way the current flows. Faults: `wrong-chip`, `shunt-range`,
 * `adc-settings`, `set-up`, `overflow`, `calibration-lost`, and those of the bus.
 */
export const ina219 = defineDriver({
  id: "ina219",
  config,
  recognition: RECOGNITION,
  async open(options, host): Promise<Sensor> {
    const { bus, address, shuntOhm, shuntTolerance, maxA, busRangeV, resolutionBits, averaging } = options;
    if (averaging > 1 && resolutionBits !== 12) {
      throw new DeviceError(
        `${NAME}: only samples of 12 bits are averaged: set resolutionBits to 12 or averaging to 1`,
        {
          code: "adc-settings",
          context: { resolutionBits, averaging },
        },
      );
    }
    const shuntRangeV = shuntRangeFor(NAME, options, SHUNT_RANGES_V);
    const scale = scaleFor(shuntOhm, maxA);
    const configuration = configurationWord(busRangeV, shuntRangeV, options);
    const location = { name: NAME, bus, address };

    const setUp = (into: I2cChip) => {
      // Bit 0 is written as 1 to see the chip force it to 0, which memory or another chip would not do.
      into.writeWord(REGISTER.calibration, scale.calibration | 1);
      const readBack = into.readWord(REGISTER.calibration);
      if (readBack !== scale.calibration) {
        throw wrongChip(
          location,
          `the chip at ${hex(address)} of /dev/i2c-${bus} is no ${NAME}: its calibration reads back as ${hex(readBack)}`,
        );
      }
      into.set(REGISTER.configuration, configuration);
      // A result from before is not offered as the first: reading the power clears the ready flag.
      into.readWord(REGISTER.power);
    };
    const { chip } = await openRecognised(location, host.openI2cBus, RECOGNITION, setUp);

    const cycleUs = 2 * conversionUs(options);
    const tooManyA = overflowA(shuntRangeV, shuntOhm);
    return {
      rateHz: 1e6 / cycleUs,
      hasOwnClock: true,
      accumulates: false,
      channels: [
        {
          settings: {
            bus,
            address,
            shuntOhm,
            shuntTolerance,
            maxA,
            busRangeV,
            shuntRangeV,
            resolutionBits,
            averaging,
            conversionUs: conversionUs(options),
            currentLsbA: scale.currentLsbA,
            powerLsbW: scale.powerLsbW,
          },
          limits: errorLimits({ ohm: shuntOhm, tolerance: shuntTolerance, rangeV: shuntRangeV }),
          averagingUs: cycleUs,
        },
      ],
      read(readings: readonly [Reading]): boolean {
        const beforeUs = host.monotonicUs();
        const voltage = chip.readWord(REGISTER.busVoltage);
        if ((voltage & CONVERSION_READY) === 0) return false;
        const readyUs = (beforeUs + host.monotonicUs()) / 2;
        const power = chip.readWord(REGISTER.power);
        // After a reset of the chip its calibration is 0, and so are current and power.
        if (power === 0 && chip.readWord(REGISTER.calibration) !== scale.calibration) {
          setUp(chip);
          throw chip.fault("calibration-lost", RESET_ADVICE);
        }
        const volts = (voltage >> 3) * BUS_LSB_V;
        const watts = power * scale.powerLsbW;
        const amps = volts > 0 ? watts / volts : 0;
        if ((voltage & MATH_OVERFLOW) !== 0 || amps >= tooManyA) {
          throw chip.fault("overflow", `the current exceeds its range of ${maxA} A: ${OVERFLOW_ADVICE}`);
        }
        if (volts >= busRangeV) {
          throw chip.fault("overflow", `the supply exceeds its range of ${busRangeV} V: raise busRangeV`);
        }
        const into = readings[0];
        into.tUs = readyUs - cycleUs / 2;
        into.watts = watts;
        into.volts = volts;
        into.amps = amps;
        into.joules = Number.NaN;
        return true;
      },
      [Symbol.dispose]: () => chip[Symbol.dispose](),
    };
  },
});
