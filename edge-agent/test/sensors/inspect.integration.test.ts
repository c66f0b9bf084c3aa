import { fileURLToPath } from "node:url";
import path from "node:path";
import { createSimulatedBus, requireSystem, runCommand, tempDir } from "@edgewatt/testing";
import { describe, expect, it } from "vitest";
import { fakeMachine } from "../fake-machine.ts";

const SCRIPT = new URL("../../dist/sensors/inspect-child.js", import.meta.url);
const EXAMPLE = fileURLToPath(new URL("../../../docs/how-to/edgewatt.example.yaml", import.meta.url));

const gcc = requireSystem("gcc");
const STAT = "cpu  100 0 0 100 0 0 0 0 0 0\ncpu0 100 0 0 100 0 0 0 0 0 0\n";

async function inspected(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const { code, stdout, stderr } = await runCommand(SCRIPT, args, { env });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
}

describe("the example of the first Pi", () => {
  it("is a configuration that the agent takes, with the channels that its comments name", async () => {
    await using machine = await fakeMachine({ "proc/stat": STAT });
    const { meters, table, issues } = await inspected(["--root", machine.root, "--config", EXAMPLE]);
    expect(issues).toEqual([]);
    expect(table).toBe("main");
    expect(meters).toEqual([
      { meter: "main", source: "ina228", channels: ["main"], i2c: { bus: 1, address: 0x40 }, watts: null, fault: null },
      {
        meter: "rails",
        source: "ina3221",
        channels: ["rails.soc", "rails.usb", "rails.fan"],
        i2c: { bus: 1, address: 0x41 },
        watts: null,
        fault: null,
      },
    ]);
  });
});

describe("what doctor shows of the sources of power", () => {
  it("is read from the machine, and a meter that is not there has its fault", async () => {
    await using machine = await fakeMachine({
      "proc/stat": STAT,
      "sys/class/powercap/intel-rapl:0/name": "package-0\n",
      "sys/class/powercap/intel-rapl:0/energy_uj": "5\n",
      "sys/class/powercap/intel-rapl:0/max_energy_range_uj": "262143328850\n",
      "edgewatt.yaml": "agent: { meters: { main: { source: hwmon, chip: ina226 }, cpu: { source: rapl } } }\n",
    });
    const { sources, meters, ownedByKernel } = await inspected([
      "--root",
      machine.root,
      "--config",
      `${machine.root}/edgewatt.yaml`,
    ]);
    expect(sources.map(({ source, found }: { source: string; found: boolean }) => [source, found])).toEqual([
      ["hwmon", false],
      ["pmic", false],
      ["rapl", true],
    ]);
    expect(meters).toMatchObject([
      { meter: "main", watts: null, fault: expect.stringMatching(/no ina226/) },
      { meter: "cpu", watts: [0], fault: null },
    ]);
    expect(ownedByKernel).toEqual([]);
  });

  it("sets up a meter on I2C only when it may write", async () => {
    await using machine = await fakeMachine({
      "proc/stat": STAT,
      // A bus that no machine has: the fault shows that the meter was tried.
      "edgewatt.yaml": "agent: { meters: { main: { source: ina219, bus: 250 } } }\n",
    });
    const args = ["--root", machine.root, "--config", `${machine.root}/edgewatt.yaml`];
    expect((await inspected(args)).meters).toMatchObject([{ watts: null, fault: null }]);
    expect((await inspected([...args, "--probe"])).meters).toMatchObject([
      { watts: null, fault: expect.stringMatching(/\/dev\/i2c-250 does not exist/) },
    ]);
  });

  it.skipIf(gcc.skip)(`waits for a meter that averages for longer than a moment ${gcc.reason}`, async () => {
    await using dir = await tempDir();
    const bus = await createSimulatedBus(path.join(dir.path, "bus"), {
      chips: [{ type: "ina226", address: 0x40, channels: [{ shuntOhm: 0.02, volts: 5, amps: 0.8 }] }],
    });
    const meter = `{ source: ina226, bus: ${bus.bus}, averaging: 1024, shuntConversionUs: 588, busConversionUs: 588 }`;
    await using machine = await fakeMachine({
      "proc/stat": STAT,
      "edgewatt.yaml": `agent: { meters: { main: ${meter} } }\n`,
    });
    const args = ["--root", machine.root, "--config", `${machine.root}/edgewatt.yaml`, "--probe"];
    const { meters } = await inspected(args, bus.env);
    expect(meters).toMatchObject([{ watts: [expect.closeTo(4, 1)], fault: null }]);
  });
});
