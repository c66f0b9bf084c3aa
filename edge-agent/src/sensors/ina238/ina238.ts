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
import { adcSettings, cycleUs, INA228_ADC } from "../ina2xx/adc.ts";
import {
  adcConfigurationWord,
  configurationWord,
  DIAGNOSTICS,
  REGISTER,
  SHUNT_RANGES_V,
} from "../ina2xx/ina228-generation.ts";
import { describedSettings } from "../ina2xx/described-settings.ts";
import { openRecognised } from "../recognition.ts";
import { defineDriver, type Reading, type Sensor } from "../sensor.ts";
import { BUS_LSB_V, errorLimits, POWER_BYTES, RECOGNITION, scaleFor } from "./registers.ts";

const NAME = "INA238";

const config = z.strictObject({
  ...locationSettings(),
  ...shuntSettings({ shuntOhm: 0.015, maxA: 10 }),
  ...adcSettings(INA228_ADC, { averaging: 1, conversionUs: 540 }),
});

/**
 * INA238 (TI SLYS025B): power from the chip's own product of shunt and bus voltage, one per conversion cycle, 1.08 ms by
 * default. The register holds a magnitude, whichever way the current flows. Faults: `wrong-chip`, `shunt-range`, `set-up`,
 * `overflow`, `calibration-lost`, `memory-checksum`, and those of the bus.
 */
export const ina238 = defineDriver({
  id: "ina238",
  config,
  recognition: RECOGNITION,
  async open(options, host): Promise<Sensor> {
    const { bus, address, shuntOhm, shuntTolerance, maxA } = options;
    const shuntRangeV = shuntRangeFor(NAME, options, SHUNT_RANGES_V);
    const scale = scaleFor(shuntOhm, maxA, shuntRangeV);
    const adcConfiguration = adcConfigurationWord(options);
    const location = { name: NAME, bus, address };

    const setUp = (into: I2cChip) => {
      into.set(REGISTER.configuration, configurationWord(shuntRangeV));
      into.set(REGISTER.shuntCalibration, scale.calibration);
      into.writeWord(REGISTER.diagnostics, DIAGNOSTICS.latch);
      into.set(REGISTER.adcConfiguration, adcConfiguration);
      // A result from before is not offered as the first: reading the flags clears them.
      into.readWord(REGISTER.diagnostics);
    };
    const { chip, dieId } = await openRecognised(location, host.openI2cBus, RECOGNITION, setUp);

    const periodUs = cycleUs(options);
    const tooManyA = overflowA(shuntRangeV, shuntOhm);
    const result = Buffer.alloc(POWER_BYTES);
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
        const flags = chip.readWord(REGISTER.diagnostics);
        // The latch bit comes with the flags, so it is what tells a reset; the ADC configuration proves it.
        if ((flags & DIAGNOSTICS.latch) === 0 && chip.readWord(REGISTER.adcConfiguration) !== adcConfiguration) {
          setUp(chip);
          throw chip.fault("calibration-lost", RESET_ADVICE);
        }
        if ((flags & DIAGNOSTICS.memoryGood) === 0) {
          throw chip.fault(
            "memory-checksum",
            "the checksum of its trim memory is wrong: switch it off and on, or replace it",
          );
        }
        if ((flags & DIAGNOSTICS.conversionReady) === 0) return false;
        const readyUs = (beforeUs + host.monotonicUs()) / 2;
        chip.readBlock(REGISTER.power, result);
        const watts = result.readUIntBE(0, POWER_BYTES) * scale.powerLsbW;
        const volts = chip.readSigned(REGISTER.busVoltage) * BUS_LSB_V;
        const amps = volts > 0 ? watts / volts : 0;
        const isMathOverflow = (flags & DIAGNOSTICS.mathOverflow) !== 0;
        // The flag stays until a conversion is started, which writing this register does.
        if (isMathOverflow) chip.writeWord(REGISTER.adcConfiguration, adcConfiguration);
        if (isMathOverflow || amps >= tooManyA) {
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
