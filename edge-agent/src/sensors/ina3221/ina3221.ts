import { z } from "zod";
import { DeviceError } from "../../errors.ts";
import type { I2cChip } from "../../i2c/chip.ts";
import {
  locationSettings,
  overflowA,
  OVERFLOW_ADVICE,
  RESET_ADVICE,
  shuntRangeFor,
  shuntSettings,
} from "../chip-settings.ts";
import { adcSettings, INA226_ADC } from "../ina2xx/adc.ts";
import { openRecognised } from "../recognition.ts";
import { defineDriver, type Reading, type Sensor, type SensorChannel } from "../sensor.ts";
import {
  BUS_LSB_V,
  busVoltageRegister,
  configurationWord,
  errorLimits,
  INPUTS,
  LAST_ADDRESS,
  MASK_ENABLE,
  RECOGNITION,
  REGISTER,
  SHUNT_FULL_SCALE_V,
  SHUNT_LSB_V,
  shuntVoltageRegister,
  timingOf,
  UNUSED_LOW_BITS,
} from "./registers.ts";

const NAME = "INA3221";
const CHANNEL_NAME = /^[a-z0-9][a-z0-9-]{0,18}$/;

const channel = z.strictObject({
  input: z.literal(INPUTS).describe("of the chip: 1 to 3"),
  name: z
    .string()
    .regex(CHANNEL_NAME, "expected 1 to 19 of a-z, 0-9 and -, not starting with -")
    .optional()
    .describe("what the channel is called after the meter's name; default: ch and the input"),
  ...shuntSettings({ shuntOhm: 0.1, maxA: 1.6 }),
});
type ChannelConfig = z.output<typeof channel>;

function nameOf({ input, name }: ChannelConfig): string {
  return name ?? `ch${input}`;
}

const config = z.strictObject({
  ...locationSettings(LAST_ADDRESS),
  channels: z
    .array(channel)
    .min(1)
    .refine((list) => new Set(list.map(({ input }) => input)).size === list.length, "an input is there twice")
    .refine((list) => new Set(list.map(nameOf)).size === list.length, "a name is there twice")
    .default(INPUTS.map((input) => channel.parse({ input })))
    .describe(
      "the inputs in use, each with its shunt; the first fills the results table unless channel says otherwise",
    ),
  ...adcSettings(INA226_ADC, { averaging: 1, conversionUs: 588 }),
});

/** What one channel needs at each reading. */
interface OpenChannel {
  readonly name: string;
  /** Of its reading. */
  readonly index: number;
  readonly shuntRegister: number;
  readonly busRegister: number;
  readonly shuntOhm: number;
  readonly overflowA: number;
  readonly middleBeforeEndUs: number;
}

/**
 * INA3221 (TI SBOS576C): up to three channels, converted one after another; all of them make one reading, 3.528 ms by default
 * and with all three. The chip has no product: power is current times voltage, which are sampled one after the other. Faults:
 * `wrong-chip`, `shunt-range`, `set-up`, `overflow`, `calibration-lost`, and those of the bus. An overflow, or a transfer that
 * fails where the chip has answered before, is a fault of one channel.
 */
export const ina3221 = defineDriver({
  id: "ina3221",
  config,
  recognition: RECOGNITION,
  channelNames: ({ channels }) => {
    const [only] = channels;
    return channels.length === 1 && only?.name === undefined ? [""] : channels.map(nameOf);
  },
  async open(options, host): Promise<Sensor> {
    const { bus, address, averaging, shuntConversionUs, busConversionUs } = options;
    // In the order of conversion, so that no result is replaced by the next one before it is read.
    const ordered = options.channels
      .map((own, index) => ({ own, index }))
      .toSorted((a, b) => a.own.input - b.own.input);
    const inputs = ordered.map(({ own }) => own.input);
    const timing = timingOf(options, inputs.length);
    for (const own of options.channels) {
      shuntRangeFor(`${NAME} ${nameOf(own)}`, own, [SHUNT_FULL_SCALE_V]);
    }
    const configuration = configurationWord(options, inputs);
    const location = { name: NAME, bus, address };

    const setUp = (into: I2cChip) => {
      into.writeWord(REGISTER.maskEnable, MASK_ENABLE.latch);
      into.set(REGISTER.configuration, configuration);
      // A result from before is not offered as the first: reading the flags clears them.
      into.readWord(REGISTER.maskEnable);
    };
    const { chip, dieId } = await openRecognised(location, host.openI2cBus, RECOGNITION, setUp);

    const opened = ordered.map(({ own, index }, place): OpenChannel => ({
      name: nameOf(own),
      index,
      shuntRegister: shuntVoltageRegister(own.input),
      busRegister: busVoltageRegister(own.input),
      shuntOhm: own.shuntOhm,
      overflowA: overflowA(SHUNT_FULL_SCALE_V, own.shuntOhm),
      middleBeforeEndUs: timing.middleBeforeEndUs(place),
    }));
    /** @throws {DeviceError} when the current is beyond range or a transfer fails */
    const readChannel = (own: OpenChannel, into: Reading, readyUs: number) => {
      const shuntV = (chip.readSigned(own.shuntRegister) >> UNUSED_LOW_BITS) * SHUNT_LSB_V;
      into.amps = shuntV / own.shuntOhm;
      if (Math.abs(into.amps) >= own.overflowA) {
        throw chip.fault("overflow", `the current of ${own.name} exceeds its range: ${OVERFLOW_ADVICE}`);
      }
      into.volts = (chip.readSigned(own.busRegister) >> UNUSED_LOW_BITS) * BUS_LSB_V;
      into.watts = into.amps * into.volts;
      into.tUs = readyUs - own.middleBeforeEndUs;
      into.joules = Number.NaN;
    };

    return {
      rateHz: 1e6 / timing.cycleUs,
      hasOwnClock: true,
      accumulates: false,
      channels: options.channels.map(({ input, shuntOhm, shuntTolerance, maxA }): SensorChannel => ({
        settings: {
          bus,
          address,
          dieId,
          input,
          shuntOhm,
          shuntTolerance,
          maxA,
          shuntRangeV: SHUNT_FULL_SCALE_V,
          averaging,
          shuntConversionUs,
          busConversionUs,
          currentLsbA: SHUNT_LSB_V / shuntOhm,
          busLsbV: BUS_LSB_V,
        },
        limits: errorLimits({ ohm: shuntOhm, tolerance: shuntTolerance }),
        averagingUs: timing.averagingUs,
      })),
      read(readings: readonly Reading[]): boolean {
        const beforeUs = host.monotonicUs();
        const flags = chip.readWord(REGISTER.maskEnable);
        // The latch bit comes with the flags, so it is what tells a reset; the configuration proves it.
        if ((flags & MASK_ENABLE.latch) === 0 && chip.readWord(REGISTER.configuration) !== configuration) {
          setUp(chip);
          throw chip.fault("calibration-lost", RESET_ADVICE);
        }
        if ((flags & MASK_ENABLE.conversionReady) === 0) return false;
        const readyUs = (beforeUs + host.monotonicUs()) / 2;
        for (const own of opened) {
          const into = readings[own.index];
          if (into === undefined) continue;
          into.fault = undefined;
          try {
            readChannel(own, into, readyUs);
          } catch (error) {
            if (!(error instanceof DeviceError)) throw error;
            into.fault = error;
          }
        }
        return true;
      },
      [Symbol.dispose]: () => chip[Symbol.dispose](),
    };
  },
});
