import { chmod, mkdir, readdir, stat, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { createSimulatedBus, requireSystem, tempDir } from "@edgewatt/testing";
import { describe, expect, it } from "vitest";
import { checkMachine } from "../../src/doctor/checks.ts";
import type { Context } from "../../src/context.ts";
import type { Check } from "../../src/doctor/check.ts";

/** Writes a machine under `root` and looks at it, with its own folder first on the PATH. */
async function examine(
  root: string,
  files: Readonly<Record<string, string>>,
  { env = {}, probe }: { env?: NodeJS.ProcessEnv; probe?: true } = {},
): Promise<ReadonlyMap<string, Check>> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(root, name)), { recursive: true });
    await writeFile(path.join(root, name), text);
  }
  await chmod(path.join(root, "bin/vcgencmd"), 0o755);
  const silent = { write: () => true };
  const context: Context = {
    stdout: silent,
    stderr: silent,
    stdin: process.stdin,
    env: { PATH: `${root}/bin${path.delimiter}${process.env["PATH"]}`, ...env },
    cwd: root,
    root,
    signal: new AbortController().signal,
  };
  const options = { data: path.join(root, "data"), ...(probe === undefined ? {} : { probe }) };
  return new Map((await checkMachine(context, options)).map((check) => [check.name, check]));
}

const MACHINE = {
  "proc/stat": "cpu  100 0 0 100 0 0 0 0 0 0\ncpu0 100 0 0 100 0 0 0 0 0 0\n",
  "sys/class/thermal/thermal_zone0/temp": "41000\n",
  "bin/vcgencmd": "#!/bin/sh\necho throttled=0x0\n",
};

describe("doctor", () => {
  it("creates nothing where it looks: the data folder is only judged", async () => {
    await using dir = await tempDir();
    const before = await examine(dir.path, MACHINE);
    const data = path.join(dir.path, "data");
    expect(before.get("data folder")).toMatchObject({
      status: "ok",
      message: `${data}, which the first start creates`,
    });
    await expect(stat(data)).rejects.toThrow(/ENOENT/);
    await mkdir(data);
    expect((await examine(dir.path, MACHINE)).get("data folder")).toMatchObject({ status: "ok", message: data });
    expect(await readdir(data)).toEqual([]);
  });

  it("says that a data folder cannot be made where a file stands", async () => {
    await using dir = await tempDir();
    const checks = await examine(dir.path, { ...MACHINE, data: "a file" });
    expect(checks.get("data folder")).toMatchObject({ status: "fail", advice: "name another with --data" });
  });

  it("finds the sources of power of a machine through the agent's own drivers", async () => {
    await using dir = await tempDir();
    const checks = await examine(dir.path, {
      ...MACHINE,
      "sys/class/hwmon/hwmon3/name": "ina226\n",
      "sys/class/hwmon/hwmon3/power1_input": "3250000\n",
      "sys/class/hwmon/hwmon3/in1_input": "5000\n",
      "sys/class/hwmon/hwmon3/shunt_resistor": "10000\n",
      "sys/class/hwmon/hwmon3/update_interval": "4\n",
      "edgewatt.yaml":
        "agent:\n  channel: cpu\n  meters:\n    board: { source: hwmon, chip: ina226 }\n    cpu: { source: estimate, idleW: 2, fullW: 7 }\n",
    });
    expect(checks.get("hwmon")?.message).toMatch(/chip ina226, .*shuntOhm 0.01, .*now 3\.25 W$/);
    expect(checks.get("meter board")).toMatchObject({ status: "ok", message: expect.stringMatching(/board 3\.25 W$/) });
    expect(checks.get("meter cpu")).toMatchObject({
      status: "warn",
      message: expect.stringMatching(/model .* cpu 2\.00 W$/),
    });
    expect(checks.get("results table")?.message).toBe("filled by power channel cpu");
    expect(checks.get("rapl")?.message).toMatch(/^not here: /);
    expect(checks.get("temperature")?.message).toBe("41.0 °C");
    expect(checks.get("throttling")?.message).toBe("none now, none since boot");
  });

  it.skipIf(requireSystem("gcc").skip)(
    "compares the meters with the chips on the bus, and writes only when it may probe",
    async () => {
      await using dir = await tempDir();
      const bus = await createSimulatedBus(path.join(dir.path, "bus"), {
        chips: [
          { type: "ina228", address: 0x40, channels: [{ volts: 5, amps: 0.6, shuntOhm: 0.015 }] },
          { type: "ina219", address: 0x44, channels: [{ volts: 5, amps: 0.2 }] },
          { type: "ina226", address: 0x45, channels: [{ volts: 5, amps: 0.2 }], faults: { busy: true } },
        ],
      });
      const meters = [
        "main: { source: ina228, bus: 9 }",
        "other: { source: ina226, bus: 9, address: 0x44 }",
        "away: { source: ina219, bus: 9, address: 0x4a }",
        "owned: { source: ina226, bus: 9, address: 0x45 }",
      ];
      const files = {
        ...MACHINE,
        "dev/i2c-9": "",
        "sys/class/hwmon/hwmon0/name": "ina226\n",
        "sys/bus/i2c/devices/9-0045/name": "ina226\n",
        "edgewatt.yaml": `agent:\n  meters:\n${meters.map((meter) => `    ${meter}\n`).join("")}`,
      };
      await mkdir(path.join(dir.path, "sys/class/hwmon/hwmon0"), { recursive: true });
      await symlink("../../../bus/i2c/devices/9-0045", path.join(dir.path, "sys/class/hwmon/hwmon0/device"));
      const seen = await examine(dir.path, files, { env: bus.env });
      expect(seen.get("sensors")?.message).toMatch(
        /^ina228 at 0x40 of \/dev\/i2c-9 .*; ina219 at 0x44 .*not confirmed/,
      );
      expect(seen.get("meter main")).toMatchObject({
        status: "ok",
        message: expect.stringMatching(/^ina228 answers at 0x40/),
      });
      expect(seen.get("meter other")).toMatchObject({
        status: "warn",
        message: expect.stringMatching(/^configured is ina226, but what answers at 0x44 of \/dev\/i2c-9 is ina219/),
      });
      expect(seen.get("meter away")).toMatchObject({
        status: "warn",
        message: "nothing answers at 0x4a of /dev/i2c-9",
      });
      expect(seen.get("meter owned")?.message).toBe("a kernel driver (ina226) owns 0x45 of /dev/i2c-9");

      const probed = await examine(dir.path, files, { env: bus.env, probe: true });
      expect(probed.get("sensors")?.message).not.toMatch(/not confirmed/);
      expect(probed.get("meter main")).toMatchObject({
        status: "ok",
        message: expect.stringMatching(/read now: main 3\.00 W$/),
      });
      expect(probed.get("meter other")?.message).toMatch(/^ina226: .*INA219|^ina226: .*no INA226/);
    },
  );
});
