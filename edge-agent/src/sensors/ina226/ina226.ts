import { z } from "zod";
import type { I2cChip } from "../../i2c/chip.ts";
import {
  locationSettings,
  overflowA,
  OVERFLOW_ADVICE,
  RESET_ADVICE,
  shuntRangeFor,
  shuntSettings,
} from "../chip-settings.ts";
import { adcSettings, cycleUs, INA226_ADC } from "../ina2xx/adc.ts";
import { describedSettings } from "../ina2xx/described-settings.ts";
import { openRecognised } from "../recognition.ts";
import { defineDriver, type Reading, type Sensor } from "../sensor.ts";
import {
  BUS_LSB_V,
  configurationWord,
  CONVERSION_READY,
  errorLimits,
  MATH_OVERFLOW,
  RECOGNITION,
  REGISTER,
  scaleFor,
  SHUNT_FULL_SCALE_V,
} from "./registers.ts";

const NAME = "INA226";

const config = z.strictObject({
  ...locationSettings(),
  ...shuntSettings({ shuntOhm: 0.02, maxA: 4 }),
  ...adcSettings(INA226_ADC, { averaging: 1, conversionUs: 588 }),
});

/**
 * INA226 (TI SBOS547B): power from the chip's own product of shunt and bus voltage, one per conversion cycle, 1.176 ms by
 * default. The register holds a magnitude, whichever way the current flows. Faults: `wrong-chip`, `shunt-range`, `set-up`,
 * `overflow`, `calibration-lost`, and those of the bus.
 */
export const ina226 = defineDriver({
  id: "ina226",
  config,
  recognition: RECOGNITION,
  async open(options, host): Promise<Sensor> {
    const { bus, address, shuntOhm, shuntTolerance, maxA } = options;
    const shuntRangeV = shuntRangeFor(NAME, options, [SHUNT_FULL_SCALE_V]);
    const scale = scaleFor(shuntOhm, maxA);
    const location = { name: NAME, bus, address };

    const setUp = (into: I2cChip) => {
      into.set(REGISTER.calibration, scale.calibration);
      into.set(REGISTER.configuration, configurationWord(options));
      // A result from before is not offered as the first: reading the flags clears them.
      into.readWord(REGISTER.maskEnable);
    };
    const { chip, dieId } = await openRecognised(location, host.openI2cBus, RECOGNITION, setUp);

    const periodUs = cycleUs(options);
    const tooManyA = overflowA(shuntRangeV, shuntOhm);
    return {
      rateHz: 1e6 / periodUs,
      hasOwnClock: true,
      accumulates: false,
      channels: [
        {
          settings: describedSettings(options, { dieId, shuntRangeV, scale }),
          limits: errorLimits({ ohm: shuntOhm, tolerance: shuntTolerance }),
          averagingUs: periodUs,
        },
      ],
      read(readings: readonly [Reading]): boolean {
        const beforeUs = host.monotonicUs();
        const flags = chip.readWord(REGISTER.maskEnable);
        if ((flags & CONVERSION_READY) === 0) return false;
        const readyUs = (beforeUs + host.monotonicUs()) / 2;
        const power = chip.readWord(REGISTER.power);
        // After a reset of the chip its calibration is 0, and so are current and power.
        if (power === 0 && chip.readWord(REGISTER.calibration) !== scale.calibration) {
          setUp(chip);
          throw chip.fault("calibration-lost", RESET_ADVICE);
        }
        const volts = chip.readWord(REGISTER.busVoltage) * BUS_LSB_V;
        const watts = power * scale.powerLsbW;
        const amps = volts > 0 ? watts / volts : 0;
        if ((flags & MATH_OVERFLOW) !== 0 || amps >= tooManyA) {
          throw chip.fault("overflow", `the current exceeds its range of ${maxA} A: ${OVERFLOW_ADVICE}`);
        }
        const into = readings[0];
        into.tUs = readyUs - periodUs / 2;
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
