import { describe, expect, it } from "vitest";
import { hwmon } from "../../src/sensors/hwmon/hwmon.ts";
import { fakeMachine, type FakeMachine } from "../fake-machine.ts";
import { fakeHost, readAll } from "./fake-host.ts";

const HWMON = "sys/class/hwmon";

/** A Pi with other chips before the power monitors, as `ls /sys/class/hwmon` has them on a Pi 4 with two overlays. */
async function pi(): Promise<FakeMachine> {
  const machine = await fakeMachine({
    [`${HWMON}/hwmon0/name`]: "cpu_thermal\n",
    [`${HWMON}/hwmon1/name`]: "rpi_volt\n",
    [`${HWMON}/hwmon1/in0_lcrit_alarm`]: "0\n",
    // INA226 with the driver's defaults: 16 averages of 2 × 1.1 ms.
    [`${HWMON}/hwmon2/name`]: "ina226\n",
    [`${HWMON}/hwmon2/power1_input`]: "4518750\n",
    [`${HWMON}/hwmon2/curr1_input`]: "890\n",
    [`${HWMON}/hwmon2/in0_input`]: "9\n",
    [`${HWMON}/hwmon2/in1_input`]: "5075\n",
    [`${HWMON}/hwmon2/shunt_resistor`]: "10000\n",
    [`${HWMON}/hwmon2/update_interval`]: "35\n",
    [`${HWMON}/hwmon10/name`]: "ina3221\n",
    [`${HWMON}/hwmon10/in1_input`]: "5040\n",
    [`${HWMON}/hwmon10/in1_label`]: "VDD_5V\n",
    [`${HWMON}/hwmon10/curr1_input`]: "600\n",
    [`${HWMON}/hwmon10/shunt1_resistor`]: "20000\n",
    [`${HWMON}/hwmon10/in2_input`]: "3304\n",
    [`${HWMON}/hwmon10/curr2_input`]: "-8\n",
    [`${HWMON}/hwmon10/shunt2_resistor`]: "100000\n",
    [`${HWMON}/hwmon10/update_interval`]: "7\n",
    "sys/bus/i2c/devices/1-0040/name": "ina226\n",
    "sys/bus/i2c/devices/1-0041/name": "ina3221\n",
  });
  await machine.link({
    [`${HWMON}/hwmon2/device`]: "../../../bus/i2c/devices/1-0040",
    [`${HWMON}/hwmon10/device`]: "../../../bus/i2c/devices/1-0041",
  });
  return machine;
}

const open = (machine: FakeMachine, config: object, host = fakeHost(machine.root)) =>
  hwmon.open(hwmon.config.parse(config), host);

describe("hwmon", () => {
  it("takes the first power monitor: µW, dated one update interval back", async () => {
    await using machine = await pi();
    expect(hwmon.detect?.(machine)).toBe(true);
    const host = fakeHost(machine.root, 100);
    using sensor = await open(machine, {}, host);
    const startUs = host.nowUs;
    const [reading] = readAll(sensor);
    expect(reading).toEqual({
      tUs: startUs + 150 - 35_000,
      watts: 4.51875,
      volts: 5.075,
      amps: expect.closeTo(0.8904, 4) as number,
      joules: Number.NaN,
    });
    expect(sensor.rateHz).toBeCloseTo(1000 / 35);
    expect(sensor.channels[0]).toEqual({
      averagingUs: 35_000,
      settings: {
        chip: "ina226",
        device: "1-0040",
        owner: "kernel driver, through hwmon",
        channel: 1,
        shuntOhm: 0.01,
        shuntTolerance: 0.01,
        intervalMs: 35,
        interval: "update_interval of the driver",
      },
      // SBOS547B: 0.1 %, 10 µV over 10 mΩ = 1 mA, 7.5 mV.
      limits: {
        gain: { shuntTolerance: 0.01, currentGain: 0.001, busGain: 0.001 },
        offsetA: expect.closeTo(0.001, 12) as number,
        offsetV: 0.0075,
        timeBase: 0,
      },
    });
  });

  it("reads what the driver says now, each time", async () => {
    await using machine = await pi();
    using sensor = await open(machine, {});
    readAll(sensor);
    await machine.write({ [`${HWMON}/hwmon2/power1_input`]: "900000\n" });
    expect(readAll(sensor)[0]?.watts).toBeCloseTo(0.9, 9);
  });

  it("multiplies mA by mV where the driver has no power, for each named channel", async () => {
    await using machine = await pi();
    const config = hwmon.config.parse({
      chip: "ina3221",
      channels: [
        { input: 1, name: "board" },
        { input: 2, name: "fan" },
      ],
    });
    expect(hwmon.channelNames?.(config)).toEqual(["board", "fan"]);
    using sensor = await open(machine, config);
    expect(readAll(sensor).map(({ watts }) => watts)).toEqual([
      expect.closeTo(3.024, 9),
      expect.closeTo(-0.008 * 3.304, 9),
    ]);
    expect(sensor.channels.map(({ settings }) => [settings["label"], settings["shuntOhm"]])).toEqual([
      ["VDD_5V", expect.closeTo(0.02, 9)],
      [undefined, expect.closeTo(0.1, 9)],
    ]);
    // SBOS576B: 80 µV over 100 mΩ.
    expect(sensor.channels[1]?.limits?.offsetA).toBeCloseTo(0.0008, 9);
  });

  it("chooses by device", async () => {
    await using machine = await pi();
    using sensor = await open(machine, { device: "1-0041" });
    expect(sensor.channels[0]?.settings["chip"]).toBe("ina3221");
  });

  it("says what there is when the wanted chip is not", async () => {
    await using machine = await pi();
    await expect(open(machine, { chip: "ina219" })).rejects.toMatchObject({
      code: "hwmon-absent",
      message: expect.stringMatching(/no ina219: there are cpu_thermal, rpi_volt, ina226 at 1-0040, ina3221 at 1-0041/),
    });
    await expect(open(machine, { channels: [{ input: 2 }] })).rejects.toMatchObject({ code: "channel-absent" });
    await using bare = await fakeMachine();
    expect(hwmon.detect?.(bare)).toBe(false);
    await expect(open(bare, {})).rejects.toThrow(/no power monitor: there are no chips/);
  });

  it("takes a conversion of the driver's set-up where it tells no interval, else the configured one, else says assumed", async () => {
    await using machine = await fakeMachine({
      [`${HWMON}/hwmon0/name`]: "ina219\n",
      [`${HWMON}/hwmon0/power1_input`]: "2000000\n",
      [`${HWMON}/hwmon0/in1_input`]: "5000\n",
      [`${HWMON}/hwmon1/name`]: "mymeter\n",
      [`${HWMON}/hwmon1/power1_input`]: "2000000\n",
      [`${HWMON}/hwmon1/in1_input`]: "5000\n",
    });
    using known = await open(machine, {});
    expect(known.channels[0]?.averagingUs).toBe(1064);
    // Its shunt is not known, so neither are the limits of its error.
    expect(known.channels[0]?.limits).toBeNull();
    using unknown = await open(machine, { chip: "mymeter" });
    expect(unknown.channels[0]?.settings).toMatchObject({ intervalMs: 100, interval: "assumed" });
    using told = await open(machine, { chip: "mymeter", intervalMs: 20 });
    expect(told).toMatchObject({ rateHz: 50, channels: [{ settings: { interval: "configured" } }] });
  });

  it("names a chip that gives no number, and one whose driver is gone", async () => {
    await using machine = await pi();
    using sensor = await open(machine, {});
    await machine.write({ [`${HWMON}/hwmon2/power1_input`]: "" });
    expect(() => readAll(sensor)).toThrow(expect.objectContaining({ code: "sysfs-failed" }));
    await machine.remove(`${HWMON}/hwmon2`);
    await expect(open(machine, { chip: "ina226" })).rejects.toMatchObject({ code: "hwmon-absent" });
  });
});
