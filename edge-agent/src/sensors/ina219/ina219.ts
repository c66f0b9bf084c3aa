import { z } from "zod";
import { DeviceError } from "../../errors.ts";
import { defineDriver, type Reading, type Sensor } from "../sensor.ts";
import {
  BUS_LSB_V,
  BUS_RANGES_V,
  configurationWord,
  CONVERSION_READY,
  CYCLE_US,
  MATH_OVERFLOW,
  REGISTER,
  scaleFor,
  shuntRangeFor,
} from "./registers.ts";

const config = z.strictObject({
  bus: z.number().int().nonnegative().default(1).describe("number of the I2C bus: 1 is /dev/i2c-1"),
  address: z.number().int().min(0x40).max(0x4f).default(0x40).describe("address set by the chip's A0 and A1 pins"),
  shuntOhm: z.number().positive().max(1).default(0.1).describe("resistance of the shunt"),
  maxA: z.number().positive().max(100).default(3.2).describe("largest current to expect; sets the resolution"),
  busRangeV: z.literal(BUS_RANGES_V).default(16).describe("full scale of the supply voltage"),
});

/**
 * INA219 (TI SBOS448G): power from the chip's own product of shunt and bus voltage, one per conversion cycle of 1.064 ms.
 * The chip has no id register, so it is known by its calibration register, whose bit 0 reads 0 whatever is written.
 * Faults: `wrong-chip`, `shunt-range`, `overflow`, `calibration-lost`, and those of the bus.
 */
export const ina219 = defineDriver({
  id: "ina219",
  config,
  async open({ bus: busNumber, address, shuntOhm, maxA, busRangeV }, host): Promise<Sensor> {
    const shuntRangeMv = shuntRangeFor(shuntOhm, maxA);
    if (shuntRangeMv === undefined) {
      throw new DeviceError(
        `INA219: ${maxA} A through ${shuntOhm} ohm exceed the chip's 320 mV: set a smaller maxA or fit a smaller shunt`,
        { code: "shunt-range", context: { maxA, shuntOhm } },
      );
    }
    const scale = scaleFor(shuntOhm, maxA);
    const configuration = configurationWord(busRangeV, shuntRangeMv);
    const bus = await host.openI2cBus(busNumber);
    const context = { bus: busNumber, address };

    const setUp = () => {
      // The first access only reads: whoever answers here is not written to before the address is known to work.
      bus.readWord(address, REGISTER.configuration);
      bus.writeWord(address, REGISTER.configuration, configuration);
      // Bit 0 is written as 1 to see the chip force it to 0, which memory or another chip would not do.
      bus.writeWord(address, REGISTER.calibration, scale.calibration | 1);
      const readBack = bus.readWord(address, REGISTER.calibration);
      if (readBack === scale.calibration && bus.readWord(address, REGISTER.configuration) === configuration) return;
      throw new DeviceError(
        `the chip at 0x${address.toString(16)} of /dev/i2c-${busNumber} is no INA219: its calibration reads back as 0x${readBack.toString(16)}; check the address`,
        { code: "wrong-chip", context },
      );
    };
    try {
      setUp();
    } catch (error) {
      bus[Symbol.dispose]();
      throw error;
    }

    const lost = (code: string, what: string): DeviceError =>
      new DeviceError(`INA219 at 0x${address.toString(16)} of /dev/i2c-${busNumber}: ${what}`, {
        code,
        retryable: true,
        context,
      });

    return {
      rateHz: 1e6 / CYCLE_US,
      accumulates: false,
      channels: [
        {
          settings: { bus: busNumber, address, shuntOhm, maxA, busRangeV, shuntRangeMv, powerLsbW: scale.powerLsbW },
          limits: null,
          averagingUs: CYCLE_US,
        },
      ],
      read([into]: readonly [Reading]): boolean {
        const beforeUs = host.monotonicUs();
        const voltage = bus.readWord(address, REGISTER.busVoltage);
        if ((voltage & CONVERSION_READY) === 0) return false;
        const readyUs = (beforeUs + host.monotonicUs()) / 2;
        const power = bus.readWord(address, REGISTER.power);
        if ((voltage & MATH_OVERFLOW) !== 0) {
          throw lost("overflow", `the current exceeds its range of ${maxA} A: raise maxA or fit a smaller shunt`);
        }
        // After a reset of the chip its calibration is 0, and so are current and power.
        if (power === 0 && bus.readWord(address, REGISTER.calibration) === 0) {
          setUp();
          throw lost("calibration-lost", "the chip was reset and has been set up again: check its supply");
        }
        into.tUs = readyUs - CYCLE_US / 2;
        into.watts = power * scale.powerLsbW;
        into.volts = (voltage >> 3) * BUS_LSB_V;
        into.amps = into.volts > 0 ? into.watts / into.volts : 0;
        into.joules = Number.NaN;
        return true;
      },
      [Symbol.dispose]: () => bus[Symbol.dispose](),
    };
  },
});
