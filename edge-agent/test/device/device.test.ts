import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { tempDir, type TempDir } from "@edgewatt/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { configSchema, defaultDeviceId } from "../../src/config.ts";
import { nextBoot } from "../../src/device/boot-counter.ts";
import { ClockSync } from "../../src/device/clock-sync.ts";
import { readHardware } from "../../src/device/hardware.ts";
import { SystemProbe } from "../../src/device/system-state.ts";
import { parseCoreList } from "../../src/process/cores.ts";
import { chooseMeters, tableChannel } from "../../src/sensors/choose-meters.ts";
import type { Reading } from "../../src/sensors/sensor.ts";
import { boardPower } from "../../src/sensors/estimate/boards.ts";
import { estimate } from "../../src/sensors/estimate/estimate.ts";

let dir: TempDir;
beforeEach(async () => {
  dir = await tempDir();
});
afterEach(() => dir[Symbol.asyncDispose]());

/** Writes files of a machine under the test's own root. */
async function machine(files: Record<string, string>): Promise<string> {
  for (const [file, text] of Object.entries(files)) {
    const target = path.join(dir.path, file);
    await mkdir(path.dirname(target), { recursive: true });
    await writeFile(target, text);
  }
  return dir.path;
}

/** `/proc/stat` of four cores with so many busy and idle ticks. */
function stat(busy: number, idle: number): string {
  const cores = [0, 1, 2, 3].map((core) => `cpu${core} 0 0 0 0 0 0 0 0 0 0\n`).join("");
  return `cpu  ${busy} 0 0 ${idle} 0 0 0 99 0 0\n${cores}intr 1\n`;
}

describe("boot counter", () => {
  it("counts starts, and continues above what the broker remembers when the disk forgot", async () => {
    const file = path.join(dir.path, "boot");
    const forgot = async () => undefined;
    expect(await nextBoot(file, forgot)).toBe(1);
    expect(await nextBoot(file, forgot)).toBe(2);
    await writeFile(file, "");
    expect(await nextBoot(file, async () => 41)).toBe(42);
    expect(await readFile(file, "utf8")).toBe("42\n");
    expect(await nextBoot(file, forgot, 99)).toBe(100);
    expect(await nextBoot(file, forgot, 99)).toBe(101);
  });
});

describe("facts of the machine", () => {
  it("come from proc and sys", async () => {
    const root = await machine({
      "proc/stat": stat(100, 300),
      "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
      "proc/loadavg": "0.42 0.3 0.2 1/100 999",
      "proc/meminfo": "MemTotal: 2000000 kB\nMemFree: 1 kB\nMemAvailable: 1500000 kB\n",
      "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
      "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
      "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "600000\n",
      "sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq": "1800000\n",
      "sys/class/thermal/thermal_zone0/temp": "48312\n",
      "sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n",
    });
    expect(readHardware(root)).toMatchObject({
      board: "Raspberry Pi 4 Model B Rev 1.4",
      governor: "ondemand",
      os: expect.stringMatching(/^Debian GNU\/Linux 12/) as string,
    });
    const probe = new SystemProbe(root);
    await machine({ "proc/stat": stat(130, 370) });
    expect(probe.read()).toEqual({
      cpuPct: 30,
      tempC: 48.3,
      freqMhz: 1800,
      memMb: 512,
      load1: 0.42,
      throttled: 0x50005,
    });
  });

  it("are blank where the machine has none", async () => {
    const root = await machine({ "proc/stat": stat(1, 1) });
    expect(new SystemProbe(root).read()).toEqual({
      cpuPct: null,
      tempC: null,
      freqMhz: null,
      memMb: null,
      load1: null,
      throttled: null,
    });
    expect(readHardware(root)).toMatchObject({ board: "unknown board", governor: null });
  });

  it("tell whether the clock is right", async () => {
    const at = { us: 0 };
    const ask = (root: string) => {
      at.us += 100e6;
      return new ClockSync(root, () => at.us).isSynchronized();
    };
    expect(ask(dir.path)).toBe(true);
    const root = await machine({ "run/systemd/timesync/x": "" });
    expect(ask(root)).toBe(false);
    await machine({ "run/systemd/timesync/synchronized": "" });
    expect(ask(root)).toBe(true);
  });
});

describe("estimate", () => {
  it("is idle plus the share of busy time, whatever processors the sampler may use", async () => {
    const root = await machine({
      "proc/stat": stat(1000, 0),
      "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4",
    });
    let us = 5e6;
    const host = { root, monotonicUs: () => us, openI2cBus: () => Promise.reject(new RangeError("no bus")) };
    using sensor = await estimate.open({}, host);
    const reading: Reading = { tUs: 0, watts: 0, volts: 0, amps: 0, joules: 0 };
    us += 1e6;
    await machine({ "proc/stat": stat(1200, 0) });
    expect(sensor.read([reading])).toBe(true);
    expect(reading.watts).toBeCloseTo(1.6 + (5 - 1.6) * 0.5, 9);
    us += 1e6;
    expect(sensor.read([reading])).toBe(true);
    expect(reading).toMatchObject({ tUs: 7e6, watts: expect.closeTo(1.6, 9) as number, volts: Number.NaN });
    expect(reading.joules).toBeCloseTo(1.6 * 2 + 3.4 * 0.5, 9);
    expect(sensor.channels[0]?.settings).toMatchObject({ board: "Raspberry Pi 4 Model B", idleW: 1.6, fullW: 5 });
    expect(sensor.channels[0]?.settings["reference"]).toMatch(/sbc-reviews/);
  });

  it("names a board that nobody measured", () => {
    expect(boardPower("Some Laptop").board).toBe("unknown board");
    expect(boardPower("Raspberry Pi 3 Model B Plus Rev 1.3").idleW).toBe(3.1);
    expect(boardPower("Raspberry Pi 5 Model B Rev 1.0").board).toBe("Raspberry Pi 5");
  });
});

describe("configuration", () => {
  const chosen = (config: object) => chooseMeters(configSchema.parse(config), dir.path);

  it("reads the configured meters, else the estimate", () => {
    expect(chosen({})).toEqual([{ name: "main", source: "estimate", config: {} }]);
    const main = { source: "ina219", bus: 9 };
    expect(chosen({ meters: { main } })).toEqual([
      {
        name: "main",
        source: "ina219",
        config: expect.objectContaining({ bus: 9, address: 0x40, shuntOhm: 0.1, maxA: 3.2 }) as object,
      },
    ]);
    expect(chosen({ meters: { main }, source: "estimate" })).toEqual([
      { name: "main", source: "estimate", config: {} },
    ]);
    const both = { main, cpu: { source: "estimate", fullW: 9 } };
    expect(chosen({ meters: both }).map(({ name }) => name)).toEqual(["main", "cpu"]);
    expect(chosen({ meters: both, source: "estimate" })).toEqual([
      { name: "cpu", source: "estimate", config: { fullW: 9 } },
    ]);
    expect(configSchema.safeParse({ meters: { main: { source: "ina219", addres: 0x40 } } }).success).toBe(false);
    expect(configSchema.safeParse({ meters: { main: { source: "ina9000" } } }).success).toBe(false);
    expect(configSchema.safeParse({ meters: { "Main one": main } }).success).toBe(false);
  });

  it("fills the table from the channel that is named, else from the first", () => {
    const meters = chosen({ meters: { input: { source: "ina219" }, cpu: { source: "estimate" } } });
    expect(tableChannel(meters, undefined)).toEqual({ channel: "input", meter: "input", source: "ina219" });
    expect(tableChannel(meters, "cpu").source).toBe("estimate");
    expect(() => tableChannel(meters, "gpu")).toThrow(/no meter has a channel gpu; there are input, cpu/);
  });

  it("makes a legal id of any host name", () => {
    expect(defaultDeviceId("Raspberry_Pi.local")).toBe("raspberry-pi-local");
    expect(defaultDeviceId("--")).toBe("device");
    expect(configSchema.safeParse({ device: "UPPER" }).success).toBe(false);
  });

  it("understands the kernel's lists of cores", () => {
    expect(parseCoreList("0-2,5")).toEqual([0, 1, 2, 5]);
    expect(parseCoreList("")).toEqual([]);
  });
});
