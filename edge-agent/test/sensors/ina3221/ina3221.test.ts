import { describe, expect, it } from "vitest";
import { DeviceError } from "../../../src/errors.ts";
import { channelsOf } from "../../../src/sensors/meters.ts";
import { ina3221 } from "../../../src/sensors/ina3221/ina3221.ts";
import { configurationWord } from "../../../src/sensors/ina3221/registers.ts";
import { emptyReading } from "../../../src/sensors/sensor.ts";
import { readAll, SimulatedHost } from "../simulated-bus.ts";
import { SimulatedIna3221 } from "../simulated-ina3221.ts";

async function open(settings: object) {
  const host = new SimulatedHost();
  const chip = new SimulatedIna3221();
  host.bus.chips.set(0x40, chip);
  return { host, chip, sensor: await ina3221.open(ina3221.config.parse(settings), host) };
}

const namesOf = (settings: object) => ina3221.channelNames?.(ina3221.config.parse(settings));

describe("INA3221", () => {
  it("has the configuration of section 7.6.2.1", () => {
    // The reset value: three channels, one sample of 1.1 ms each.
    const reset = { averaging: 1, busConversionUs: 1100, shuntConversionUs: 1100 } as const;
    expect(configurationWord(reset, [1, 2, 3])).toBe(0x7127);
    expect(configurationWord(reset, [2])).toBe(0x2127);
  });

  it("reads -80 mV as the datasheet writes it (section 7.6.2.2)", async () => {
    const { chip, sensor } = await open({ channels: [{ input: 1, shuntOhm: 0.1 }] });
    chip.convert({ volts: 5, amps: -0.8, shuntOhm: 0.1 });
    expect(chip.read(1)).toBe(0xc180);
    expect(readAll(sensor)).toMatchObject([
      {
        amps: expect.closeTo(-0.8, 9) as number,
        volts: expect.closeTo(5, 9) as number,
        watts: expect.closeTo(-4, 9) as number,
      },
    ]);
  });

  it("reads its channels in their own order, each with its shunt", async () => {
    const channels = [
      { input: 3, name: "total", shuntOhm: 0.01, maxA: 10 },
      { input: 1, name: "cpu", shuntOhm: 0.05, maxA: 3, shuntTolerance: 0.001 },
    ];
    const { chip, sensor } = await open({ channels });
    expect(chip.configuration & 0x7000).toBe(0x5000);
    chip.convert(
      { volts: 1, amps: 2, shuntOhm: 0.05 },
      { volts: 9, amps: 1, shuntOhm: 0.1 },
      { volts: 5, amps: 3, shuntOhm: 0.01 },
    );
    const [total, cpu] = readAll(sensor);
    expect(total?.watts).toBeCloseTo(15, 1);
    expect(cpu?.watts).toBeCloseTo(2, 1);
    // Input 1 is converted before input 3.
    expect((total?.tUs ?? 0) - (cpu?.tUs ?? 0)).toBe(1176);
    expect(sensor.channels.map(({ settings, limits }) => [settings["input"], limits?.gain["shuntTolerance"]])).toEqual([
      [3, 0.01],
      [1, 0.001],
    ]);
    expect(sensor.channels[1]?.limits?.offsetA).toBeCloseTo(80e-6 / 0.05, 12);
  });

  it("averages over rounds of all channels, around the same middle", async () => {
    const { host, chip, sensor } = await open({ averaging: 4 });
    chip.convert({ volts: 5, amps: 1, shuntOhm: 0.1 });
    host.nowUs = 5e6;
    const middles = readAll(sensor).map(({ tUs }) => 5e6 - tUs);
    expect(middles).toEqual([7056 + 1176, 7056, 7056 - 1176]);
    expect(sensor.channels[0]?.averagingUs).toBe(3 * 3528 + 1176);
    expect(sensor.rateHz).toBeCloseTo(1e6 / 14_112, 9);
  });

  it("names its channels", () => {
    expect(namesOf({})).toEqual(["ch1", "ch2", "ch3"]);
    expect(namesOf({ channels: [{ input: 2 }] })).toEqual([""]);
    expect(namesOf({ channels: [{ input: 2, name: "cpu" }] })).toEqual(["cpu"]);
    const config = ina3221.config.parse({ channels: [{ input: 3 }, { input: 1, name: "cpu" }] });
    const meter = { name: "rails", source: "ina3221", config } as const;
    expect(channelsOf(meter).map(({ channel }) => channel)).toEqual(["rails.ch3", "rails.cpu"]);
  });

  it("refuses inputs and names that are there twice, and addresses that it cannot have", () => {
    const refuses = (settings: object) => !ina3221.config.safeParse(settings).success;
    expect(refuses({ channels: [{ input: 1 }, { input: 1, name: "b" }] })).toBe(true);
    expect(refuses({ channels: [{ input: 1, name: "ch2" }, { input: 2 }] })).toBe(true);
    expect(refuses({ channels: [] })).toBe(true);
    expect(refuses({ address: 0x44 })).toBe(true);
    expect(refuses({ address: 0x43 })).toBe(false);
  });

  it.each([1.7, -1.7])(
    "names the channel whose current of %d A is beyond its range, and reads the others",
    async (amps) => {
      const { chip, sensor } = await open({});
      const flow = { volts: 5, amps: 0.5, shuntOhm: 0.1 };
      const readings = sensor.channels.map(emptyReading);
      chip.convert(flow, { ...flow, amps }, flow);
      expect(sensor.read(readings)).toBe(true);
      expect(readings.map(({ fault }) => fault?.code)).toEqual([undefined, "overflow", undefined]);
      expect(readings[1]?.fault?.message).toMatch(/INA3221 at 0x40 .*current of ch2 exceeds/);
      for (const i of [0, 2]) expect(readings[i]?.watts).toBeCloseTo(2.5, 6);
      chip.convert(flow, flow, flow);
      expect(sensor.read(readings)).toBe(true);
      expect(readings.map(({ fault }) => fault)).toEqual([undefined, undefined, undefined]);
      expect(readings[1]?.watts).toBeCloseTo(2.5, 6);
    },
  );

  it("loses the reading of the channel whose transfer fails, and reads the others", async () => {
    const { chip, sensor } = await open({});
    const flow = { volts: 5, amps: 0.5, shuntOhm: 0.1 };
    const readings = sensor.channels.map(emptyReading);
    const read = chip.read.bind(chip);
    chip.read = (register) => {
      if (register === 4) throw new DeviceError("not acknowledged", { code: "bus-error" });
      return read(register);
    };
    chip.convert(flow, flow, flow);
    expect(sensor.read(readings)).toBe(true);
    expect(readings.map(({ fault }) => fault?.code)).toEqual([undefined, "bus-error", undefined]);
    expect(readings[2]?.watts).toBeCloseTo(2.5, 6);
  });
});
