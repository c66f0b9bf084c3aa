import { chmod, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { tempDir } from "@edgewatt/testing";
import { expect, it } from "vitest";
import { checkMachine } from "../../src/doctor/checks.ts";
import type { Context } from "../../src/context.ts";

it("finds the sources of power of a machine through the agent's own drivers", async () => {
  await using dir = await tempDir();
  const files = {
    "sys/class/hwmon/hwmon3/name": "ina226\n",
    "sys/class/hwmon/hwmon3/power1_input": "3250000\n",
    "sys/class/hwmon/hwmon3/in1_input": "5000\n",
    "sys/class/hwmon/hwmon3/shunt_resistor": "10000\n",
    "sys/class/hwmon/hwmon3/update_interval": "4\n",
    "proc/stat": "cpu  100 0 0 100 0 0 0 0 0 0\ncpu0 100 0 0 100 0 0 0 0 0 0\n",
    "sys/class/thermal/thermal_zone0/temp": "41000\n",
    "bin/vcgencmd": "#!/bin/sh\necho throttled=0x0\n",
    "edgewatt.yaml":
      "agent:\n  channel: cpu\n  meters:\n    board: { source: hwmon, chip: ina226 }\n    cpu: { source: estimate, idleW: 2, fullW: 7 }\n",
  };
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(dir.path, name)), { recursive: true });
    await writeFile(path.join(dir.path, name), text);
  }
  await chmod(path.join(dir.path, "bin/vcgencmd"), 0o755);
  const silent = { write: () => true };
  const context: Context = {
    stdout: silent,
    stderr: silent,
    stdin: process.stdin,
    env: { PATH: `${dir.path}/bin${path.delimiter}${process.env["PATH"]}` },
    cwd: dir.path,
    root: dir.path,
    signal: new AbortController().signal,
  };
  const checks = await checkMachine(context, { data: path.join(dir.path, "data") });
  const named = new Map(checks.map((check) => [check.name, check]));
  expect(named.get("hwmon")?.message).toMatch(/chip ina226, .*shuntOhm 0.01, .*now 3\.25 W$/);
  expect(named.get("meter board")).toMatchObject({ status: "ok", message: expect.stringMatching(/board 3\.25 W$/) });
  expect(named.get("meter cpu")).toMatchObject({
    status: "warn",
    message: expect.stringMatching(/model .* cpu 2\.00 W$/),
  });
  expect(named.get("results table")?.message).toBe("filled by power channel cpu");
  expect(named.get("rapl")?.message).toMatch(/^not here: /);
  expect(named.get("temperature")?.message).toBe("41.0 °C");
  expect(named.get("throttling")?.message).toBe("none now, none since boot");
});
