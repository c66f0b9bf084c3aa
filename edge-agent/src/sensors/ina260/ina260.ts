import { z } from "zod";
import type { I2cChip } from "../../i2c/chip.ts";
import { locationSettings, RESET_ADVICE } from "../chip-settings.ts";
import { adcSettings, cycleUs, INA226_ADC } from "../ina2xx/adc.ts";
import { openRecognised } from "../recognition.ts";
import { defineDriver, type Reading, type Sensor } from "../sensor.ts";
import {
  BUS_LSB_V,
  configurationWord,
  CONTINUOUS_A,
  CURRENT_LSB_A,
  ERROR_LIMITS,
  MASK_ENABLE,
  OVERFLOW_CURRENT,
  RECOGNITION,
  REGISTER,
} from "./registers.ts";

const NAME = "INA260";

const config = z.strictObject({
  ...locationSettings(),
  ...adcSettings(INA226_ADC, { averaging: 1, conversionUs: 588 }),
});

/**
 * INA260 (TI SBOS656C), whose shunt of 2 mOhm is in the chip: one reading per conversion cycle, 1.176 ms by default. Power
 * is current times voltage, since the chip's own product counts only 10 mW. Faults: `wrong-chip`, `set-up`, `overflow`,
 * `calibration-lost`, and those of the bus.
 */
export const ina260 = defineDriver({
  id: "ina260",
  config,
  recognition: RECOGNITION,
  async open(options, host): Promise<Sensor> {
    const { bus, address, averaging, shuntConversionUs, busConversionUs } = options;
    const configuration = configurationWord(options);
    const location = { name: NAME, bus, address };

    const setUp = (into: I2cChip) => {
      into.writeWord(REGISTER.maskEnable, MASK_ENABLE.latch);
      into.set(REGISTER.configuration, configuration);
      // A result from before is not offered as the first: reading the flags clears them.
      into.readWord(REGISTER.maskEnable);
    };
    const { chip, dieId } = await openRecognised(location, host.openI2cBus, RECOGNITION, setUp);

    const periodUs = cycleUs(options);
    return {
      rateHz: 1e6 / periodUs,
      hasOwnClock: true,
      accumulates: false,
      channels: [
        {
          settings: {
            bus,
            address,
            dieId,
            shuntOhm: 0.002,
            averaging,
            shuntConversionUs,
            busConversionUs,
            currentLsbA: CURRENT_LSB_A,
            busLsbV: BUS_LSB_V,
          },
          limits: ERROR_LIMITS,
          averagingUs: periodUs,
        },
      ],
      read(readings: readonly [Reading]): boolean {
        const beforeUs = host.monotonicUs();
        const flags = chip.readWord(REGISTER.maskEnable);
        // The latch bit comes with the flags, so it is what tells a reset; the configuration proves it.
        if ((flags & MASK_ENABLE.latch) === 0 && chip.readWord(REGISTER.configuration) !== configuration) {
          setUp(chip);
          throw chip.fault("calibration-lost", RESET_ADVICE);
        }
        if ((flags & MASK_ENABLE.conversionReady) === 0) return false;
        const readyUs = (beforeUs + host.monotonicUs()) / 2;
        const current = chip.readSigned(REGISTER.current);
        const volts = chip.readSigned(REGISTER.busVoltage) * BUS_LSB_V;
        if ((flags & MASK_ENABLE.mathOverflow) !== 0 || Math.abs(current) >= OVERFLOW_CURRENT) {
          throw chip.fault("overflow", `the current exceeds the chip's range; its shunt carries ${CONTINUOUS_A} A`);
        }
        const into = readings[0];
        into.tUs = readyUs - periodUs / 2;
        into.volts = volts;
        into.amps = current * CURRENT_LSB_A;
        into.watts = into.amps * volts;
        into.joules = Number.NaN;
        return true;
      },
      [Symbol.dispose]: () => chip[Symbol.dispose](),
    };
  },
});
