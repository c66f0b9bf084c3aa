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
import { adcConfigurationWord, configurationWord, SHUNT_RANGES_V } from "../ina2xx/ina228-generation.ts";
import { describedSettings } from "../ina2xx/described-settings.ts";
import { openRecognised } from "../recognition.ts";
import { defineDriver, type Reading, type Sensor, type SensorChannel } from "../sensor.ts";
import { ConversionClock } from "./conversion-clock.ts";
import { EnergyTotal } from "./energy-total.ts";
import {
  BUS_LSB_V,
  DIAGNOSTICS,
  ENERGY_BYTES,
  errorLimits,
  RECOGNITION,
  REGISTER,
  RESET_ACCUMULATORS,
  RESULT_BYTES,
  scaleFor,
  UNUSED_LOW_BITS,
} from "./registers.ts";

const NAME = "INA228";
const DESCRIBED_RATIO = 1e-4;

const config = z.strictObject({
  ...locationSettings(),
  ...shuntSettings({ shuntOhm: 0.015, maxA: 10 }),
  ...adcSettings(INA228_ADC, { averaging: 16, conversionUs: 540 }),
});

/**
 * INA228 (TI SLYS021A): energy from the chip's accumulator, which takes every conversion, 926 a second by default; power,
 * voltage and current are its means over 16 of them, 58 a second. The energy register has no sign: it is right while the
 * current flows one way. Its time is that of the chip's oscillator: once the length of the conversions has been measured by
 * CLOCK_MONOTONIC, energy is corrected for it and the limit of its error is smaller. Faults: `wrong-chip`, `shunt-range`, `set-up`, `overflow`, `calibration-lost`, `energy-lost`,
 * `memory-checksum`, and those of the bus.
 */
export const ina228 = defineDriver({
  id: "ina228",
  config,
  recognition: RECOGNITION,
  async open(options, host): Promise<Sensor> {
    const { bus, address, shuntOhm, shuntTolerance, maxA } = options;
    const shuntRangeV = shuntRangeFor(NAME, options, SHUNT_RANGES_V);
    const scale = scaleFor(shuntOhm, maxA, shuntRangeV);
    const configuration = configurationWord(shuntRangeV);
    const adcConfiguration = adcConfigurationWord(options);
    const location = { name: NAME, bus, address };
    const energy = new EnergyTotal();
    const periodUs = cycleUs(options);
    const clock = new ConversionClock(periodUs);

    const clearEnergy = (into: I2cChip) => {
      into.writeWord(REGISTER.configuration, configuration | RESET_ACCUMULATORS);
      energy.restart();
    };
    const setUp = (into: I2cChip) => {
      into.set(REGISTER.configuration, configuration);
      into.set(REGISTER.shuntCalibration, scale.calibration);
      into.writeWord(REGISTER.diagnostics, DIAGNOSTICS.latch);
      into.set(REGISTER.adcConfiguration, adcConfiguration);
      clearEnergy(into);
      clock.restart();
      // A result from before is not offered as the first: reading the flags clears them.
      into.readWord(REGISTER.diagnostics);
    };
    const { chip, dieId } = await openRecognised(location, host.openI2cBus, RECOGNITION, setUp);

    /** The latch bit of the flags costs no read, so it is what tells a reset; the ADC configuration proves it. */
    const wasReset = () => chip.readWord(REGISTER.adcConfiguration) !== adcConfiguration;
    const lost = () => {
      setUp(chip);
      return chip.fault("calibration-lost", RESET_ADVICE);
    };

    const describe = (): readonly [SensorChannel] => [
      {
        settings: describedSettings(options, { dieId, shuntRangeV, scale }),
        ...(clock.isKnown ? { measured: { clockRatio: clock.ratio, clockLimit: clock.limit } } : {}),
        limits: errorLimits({
          ohm: shuntOhm,
          tolerance: shuntTolerance,
          ...(clock.isKnown ? { clockLimit: clock.limit } : {}),
        }),
        averagingUs: periodUs,
      },
    ];
    let channels = describe();
    let describedRatio = clock.ratio;
    /** Another oscillator's error is told when it shows in the fourth digit. */
    const describeClock = () => {
      if (channels[0].measured !== undefined && Math.abs(clock.ratio - describedRatio) < DESCRIBED_RATIO) return;
      describedRatio = clock.ratio;
      channels = describe();
    };

    const tooManyA = overflowA(shuntRangeV, shuntOhm);
    const result = Buffer.alloc(RESULT_BYTES);
    const energyResult = Buffer.alloc(ENERGY_BYTES);
    return {
      rateHz: 1e6 / periodUs,
      hasOwnClock: true,
      accumulates: true,
      get channels() {
        return channels;
      },
      get isCalibrating() {
        return clock.isSought;
      },
      read(readings: readonly [Reading]): boolean {
        const beforeUs = host.monotonicUs();
        const flags = chip.readWord(REGISTER.diagnostics);
        if ((flags & DIAGNOSTICS.latch) === 0 && wasReset()) throw lost();
        if ((flags & DIAGNOSTICS.memoryGood) === 0) {
          throw chip.fault(
            "memory-checksum",
            "the checksum of its trim memory is wrong: switch it off and on, or replace it",
          );
        }
        if ((flags & DIAGNOSTICS.conversionReady) === 0) {
          clock.notYet(beforeUs);
          return false;
        }
        const afterUs = host.monotonicUs();
        const readyUs = (beforeUs + afterUs) / 2;
        clock.result(afterUs);
        if (clock.isKnown) describeClock();
        const energyBeforeUs = host.monotonicUs();
        chip.readBlock(REGISTER.energy, energyResult);
        const energyUs = (energyBeforeUs + host.monotonicUs()) / 2;
        const counter = energyResult.readUIntBE(0, ENERGY_BYTES);
        if ((flags & DIAGNOSTICS.mathOverflow) !== 0) {
          clearEnergy(chip);
          throw chip.fault("overflow", `the current exceeds its range of ${maxA} A: ${OVERFLOW_ADVICE}`);
        }
        if (!energy.add(counter, (flags & DIAGNOSTICS.energyOverflow) !== 0, readyUs, clock.ratio)) {
          if (wasReset()) throw lost();
          throw chip.fault("energy-lost", "its counter of energy was cleared: check that nobody else sets it up");
        }
        chip.readBlock(REGISTER.power, result);
        const watts = result.readUIntBE(0, RESULT_BYTES) * scale.powerLsbW;
        chip.readBlock(REGISTER.current, result);
        const amps = (result.readIntBE(0, RESULT_BYTES) >> UNUSED_LOW_BITS) * scale.currentLsbA;
        chip.readBlock(REGISTER.busVoltage, result);
        const volts = (result.readIntBE(0, RESULT_BYTES) >> UNUSED_LOW_BITS) * BUS_LSB_V;
        if (Math.abs(amps) >= tooManyA) {
          throw chip.fault("overflow", `the current exceeds the shunt's range: ${OVERFLOW_ADVICE}`);
        }
        const into = readings[0];
        into.tUs = readyUs - periodUs / 2;
        into.watts = amps < 0 ? -watts : watts;
        into.volts = volts;
        into.amps = amps;
        // The counter runs on after the conversion whose middle is `tUs`; the mean power takes it back there.
        const sinceS = (energyUs - into.tUs) / 1e6;
        into.joules = energy.countsBefore((watts / scale.energyLsbJ) * sinceS) * scale.energyLsbJ;
        return true;
      },
      [Symbol.dispose]: () => chip[Symbol.dispose](),
    };
  },
});
