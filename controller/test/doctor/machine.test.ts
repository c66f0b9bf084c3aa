import { chmod, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { tempDir, type TempDir } from "@edgewatt/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkI2cAccess, checkI2cEnabled, checkI2cSpeed, i2cBuses } from "../../src/doctor/i2c.ts";
import {
  checkBoard,
  checkCores,
  checkGovernor,
  checkMemoryControl,
  checkNode,
  checkSystem,
  checkTemperature,
  checkThrottling,
} from "../../src/doctor/machine.ts";

let dir: TempDir;
beforeEach(async () => {
  dir = await tempDir();
});
afterEach(() => dir[Symbol.asyncDispose]());

async function has(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(dir.path, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  return dir.path;
}

/** An environment whose PATH has these commands alone, each of which prints a text. */
async function commands(texts: Readonly<Record<string, string>>): Promise<NodeJS.ProcessEnv> {
  await has(
    Object.fromEntries(Object.entries(texts).map(([name, text]) => [`bin/${name}`, `#!/bin/sh\necho '${text}'\n`])),
  );
  for (const name of Object.keys(texts)) await chmod(path.join(dir.path, "bin", name), 0o755);
  return { PATH: path.join(dir.path, "bin") };
}

/** As the kernel shows a number of the device tree: four bytes, the high one first. */
function deviceTreeWord(value: number): Buffer {
  const word = Buffer.alloc(4);
  word.writeUInt32BE(value);
  return word;
}

describe("the machine", () => {
  it("must have 64 bits and a Node.js that is new enough", () => {
    expect(checkSystem("arm64", "aarch64").status).toBe("ok");
    expect(checkSystem("arm", "aarch64")).toMatchObject({
      status: "fail",
      message: "Node.js is built for arm, the kernel is aarch64",
      advice: expect.stringContaining("64-bit Raspberry Pi OS"),
    });
    expect(checkNode("20.19.0").status).toBe("ok");
    expect(checkNode("20.18.3").status).toBe("fail");
  });

  it("names its board", async () => {
    const root = await has({ "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0" });
    expect((await checkBoard(root)).message).toBe("Raspberry Pi 5 Model B Rev 1.0");
  });

  it("needs a core for the sampler and taskset to give it one", async () => {
    expect(checkCores(await commands({ taskset: "" }), 4).status).toBe("ok");
    expect(checkCores({ PATH: "" }, 4)).toMatchObject({ status: "warn", message: expect.stringContaining("taskset") });
    expect(checkCores({ PATH: "" }, 1).status).toBe("warn");
  });

  it("is told to run at full speed, and cool", async () => {
    const root = await has({
      "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
      "sys/class/thermal/thermal_zone0/temp": "71250\n",
    });
    expect(await checkGovernor(root)).toMatchObject({ status: "warn", message: "ondemand" });
    expect(await checkTemperature(root)).toMatchObject({ status: "warn", message: "71.3 °C" });
    await has({
      "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance\n",
      "sys/class/thermal/thermal_zone0/temp": "48000\n",
    });
    expect(await checkGovernor(root)).toMatchObject({ status: "ok" });
    expect(await checkTemperature(root)).toMatchObject({ status: "ok", message: "48.0 °C" });
  });

  it("tells throttling now from throttling since boot, and what each is due to", async () => {
    const throttled = async (bits: string) => checkThrottling(await commands({ vcgencmd: `throttled=${bits}` }));
    expect((await throttled("0x0")).status).toBe("ok");
    expect(await throttled("0x50005")).toMatchObject({
      status: "warn",
      message: "now: too low a voltage, throttled; since boot: too low a voltage, throttled (0x50005)",
      advice: expect.stringContaining("4.63 V"),
    });
    expect(await throttled("0x80000")).toMatchObject({
      message: "now: none; since boot: soft temperature limit (0x80000)",
      advice: expect.stringContaining("fan"),
    });
    expect((await checkThrottling({ PATH: "" })).message).toContain("no Raspberry Pi firmware");
  });

  it("warns of a Raspberry Pi whose firmware cannot be asked", async () => {
    const root = await has({ "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.5\0" });
    expect(await checkThrottling({ PATH: "" }, root)).toMatchObject({
      status: "warn",
      message: expect.stringContaining("not on the PATH"),
      advice: expect.stringContaining("raspi-utils"),
    });
    expect(await checkThrottling(await commands({ vcgencmd: "VCHI initialization failed" }), root)).toMatchObject({
      status: "warn",
      advice: expect.stringContaining("group video"),
    });
  });

  it("says whether memory limits work, and that none are needed", async () => {
    const root = await has({ "sys/fs/cgroup/cgroup.controllers": "cpuset cpu io pids\n" });
    expect(await checkMemoryControl(root)).toMatchObject({
      status: "ok",
      message: expect.stringContaining("cgroup_enable=memory"),
    });
    await has({ "sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids\n" });
    expect((await checkMemoryControl(root)).message).toContain("can limit memory");
  });
});

describe("the I2C bus", () => {
  it("must be enabled", async () => {
    expect(await i2cBuses(dir.path)).toEqual([]);
    expect(checkI2cEnabled([])).toMatchObject({ status: "warn", advice: expect.stringContaining("raspi-config") });
    const root = await has({ "dev/i2c-20": "", "dev/i2c-1": "", "dev/tty1": "" });
    expect(await i2cBuses(root)).toEqual([1, 20]);
    expect(checkI2cEnabled([1, 20]).message).toBe("/dev/i2c-1, /dev/i2c-20");
  });

  it("must be one that this user may open", async () => {
    const root = await has({ "dev/i2c-1": "" });
    expect(await checkI2cAccess(root, [1])).toMatchObject({ status: "ok" });
    // Root may open everything but what is not there.
    expect(await checkI2cAccess(root, [1, 2])).toMatchObject({
      status: "warn",
      message: "this user may not open /dev/i2c-2",
      advice: expect.stringContaining("usermod -aG i2c"),
    });
    expect(await checkI2cAccess(root, [])).toBeUndefined();
  });

  it("should be fast, as the device tree says", async () => {
    const speed = (bus: number, hz: number) =>
      has({ [`sys/bus/i2c/devices/i2c-${bus}/of_node/clock-frequency`]: deviceTreeWord(hz) });
    const root = await speed(1, 100_000);
    expect(await checkI2cSpeed(root, [])).toMatchObject({
      status: "warn",
      message: "/dev/i2c-1 100 kHz",
      advice: expect.stringContaining("i2c_arm_baudrate=400000"),
    });
    await speed(3, 400_000);
    expect(await checkI2cSpeed(root, [3])).toMatchObject({ status: "ok", message: "/dev/i2c-3 400 kHz" });
    expect(await checkI2cSpeed(root, [7])).toBeUndefined();
  });
});
