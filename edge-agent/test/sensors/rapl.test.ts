import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rapl } from "../../src/sensors/rapl/rapl.ts";
import { fakeMachine, type FakeMachine } from "../fake-machine.ts";
import { fakeHost, readAll } from "./fake-host.ts";

const POWERCAP = "sys/class/powercap";
const RANGE_UJ = 262_143_328_850;

/** A server of two sockets with all that powercap shows of it. */
async function server(): Promise<FakeMachine> {
  const machine = await fakeMachine({ "proc/cpuinfo": "processor\t: 0\nvendor_id\t: GenuineIntel\n" });
  for (const [entry, name] of [
    ["intel-rapl:0", "package-0"],
    ["intel-rapl:0:0", "core"],
    ["intel-rapl:0:1", "dram"],
    ["intel-rapl:1", "package-1"],
    ["intel-rapl:2", "psys"],
    ["intel-rapl-mmio:0", "package-0"],
  ] as const) {
    await machine.write({
      [`${POWERCAP}/${entry}/name`]: `${name}\n`,
      [`${POWERCAP}/${entry}/max_energy_range_uj`]: `${RANGE_UJ}\n`,
      [`${POWERCAP}/${entry}/energy_uj`]: "1000000\n",
    });
  }
  await machine.write({ [`${POWERCAP}/intel-rapl/enabled`]: "1\n" });
  return machine;
}

const setEnergy = (machine: FakeMachine, domain: string, microjoules: number) =>
  machine.write({ [`${POWERCAP}/${domain}/energy_uj`]: `${microjoules}\n` });

describe("rapl", () => {
  it("sums the packages and nothing that they hold, and says that it is not the board", async () => {
    await using machine = await server();
    const host = fakeHost(machine.root);
    using sensor = await rapl.open({}, host);
    expect(sensor.accumulates).toBe(true);
    expect(sensor.channels[0]?.settings).toEqual({
      measures: "the processor package only, not the board",
      packages: "package-0 package-1",
      counter: expect.stringMatching(/^Intel, measured/) as string,
    });
    host.nowUs += 100_000;
    await setEnergy(machine, "intel-rapl:0", 2_500_000);
    await setEnergy(machine, "intel-rapl:1", 1_500_000);
    await setEnergy(machine, "intel-rapl:0:0", 9_000_000);
    await setEnergy(machine, "intel-rapl:2", 9_000_000);
    await setEnergy(machine, "intel-rapl-mmio:0", 9_000_000);
    expect(readAll(sensor)).toEqual([{ tUs: host.nowUs, watts: 20, joules: 2, volts: Number.NaN, amps: Number.NaN }]);
  });

  it("adds up the true energy over any steps and wraps", async () => {
    await using machine = await server();
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: RANGE_UJ - 1 }),
        fc.array(fc.integer({ min: 0, max: RANGE_UJ - 1 }), { minLength: 1, maxLength: 6 }),
        async (start, steps) => {
          await setEnergy(machine, "intel-rapl:0", start);
          const host = fakeHost(machine.root);
          using sensor = await rapl.open({}, host);
          let counter = start;
          let total = 0;
          for (const step of steps) {
            host.nowUs += 100_000;
            counter = (counter + step) % RANGE_UJ;
            total += step;
            await setEnergy(machine, "intel-rapl:0", counter);
            const [reading] = readAll(sensor);
            expect(reading?.joules).toBeCloseTo(total / 1e6, 3);
            expect(reading?.watts).toBeCloseTo(step / 1e5, 3);
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it("is not there on a Pi, and says so", async () => {
    await using machine = await fakeMachine();
    expect(rapl.detect?.(machine)).toBe(false);
    await expect(rapl.open({}, fakeHost(machine.root))).rejects.toMatchObject({ code: "rapl-absent" });
  });

  it("asks for root when a counter cannot be read", async () => {
    await using machine = await server();
    expect(rapl.detect?.(machine)).toBe(true);
    // Root may read everything, so a counter that is not there stands for one that is refused.
    await machine.remove(`${POWERCAP}/intel-rapl:1/energy_uj`);
    expect(rapl.detect?.(machine)).toBe(false);
    await expect(rapl.open({}, fakeHost(machine.root))).rejects.toMatchObject({
      code: "rapl-refused",
      message: expect.stringMatching(/root only .*run the agent as root/),
    });
  });
});
