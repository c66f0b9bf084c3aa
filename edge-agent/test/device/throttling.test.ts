import { describe, expect, it } from "vitest";
import { readCachedThrottled, readThrottled } from "../../src/device/throttling.ts";
import { fakeMachine } from "../fake-machine.ts";

const SYSFS = "sys/devices/platform/soc/soc:firmware/get_throttled";
const ALARM = "sys/class/hwmon/hwmon1/in0_lcrit_alarm";

describe("throttling", () => {
  it("is what the firmware answers, not what the kernel remembers", async () => {
    await using machine = await fakeMachine({ [SYSFS]: "50005\n" });
    await machine.firmware({ get_throttled: "throttled=0x80008" });
    expect(readThrottled(machine.root)).toEqual({ bits: 0x80008 });
    expect(readCachedThrottled(machine.root)).toBe(0x50005);
  });

  it("is what the kernel remembers where the firmware cannot be asked, and nothing where nobody knows", async () => {
    await using machine = await fakeMachine();
    await machine.firmware({});
    expect(readThrottled(machine.root)).toEqual({ bits: null });
    await machine.write({ [SYSFS]: "0\n" });
    expect(readThrottled(machine.root)).toEqual({ bits: 0 });
  });

  it("holds the kernel's alarm of too low a voltage, alone or beside other bits", async () => {
    await using machine = await fakeMachine({ "sys/class/hwmon/hwmon1/name": "rpi_volt\n", [ALARM]: "1\n" });
    await machine.firmware({ get_throttled: "throttled=0x4" });
    expect(readThrottled(machine.root)).toEqual({ bits: 0x5 });
    expect(readCachedThrottled(machine.root)).toBe(1);
    await machine.write({ [ALARM]: "0\n" });
    expect(readThrottled(machine.root)).toEqual({ bits: 0x4 });
    expect(readCachedThrottled(machine.root)).toBe(0);
  });

  it("of a Raspberry Pi that nobody tells has a reason, and the alarm alone does not tell it", async () => {
    await using machine = await fakeMachine({ "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.5\0" });
    await machine.firmware({});
    const unread = expect.stringContaining("vcgencmd get_throttled") as string;
    expect(readThrottled(machine.root)).toEqual({ bits: null, unread });
    await machine.write({ "sys/class/hwmon/hwmon1/name": "rpi_volt\n", [ALARM]: "0\n" });
    expect(readThrottled(machine.root)).toEqual({ bits: 0, unread });
    await machine.firmware({ get_throttled: "throttled=unknown" });
    expect(readThrottled(machine.root).unread).toBe('vcgencmd answered "throttled=unknown"');
    await machine.write({ [SYSFS]: "4\n" });
    expect(readThrottled(machine.root)).toEqual({ bits: 4 });
  });
});
