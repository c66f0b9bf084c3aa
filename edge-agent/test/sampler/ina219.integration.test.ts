import { eventually, requireSystem, type ChipFaults, type SupplyLoad, type Waveform } from "@edgewatt/testing";
import { describe, expect, it } from "vitest";
import { SamplerRig } from "./sampler-rig.ts";

const gcc = requireSystem("gcc");
const AT = 0x40;
const STEADY = { volts: 5, amps: 0.8 };

function start(load: SupplyLoad = STEADY, faults: Partial<ChipFaults> = {}): Promise<SamplerRig> {
  const chips = [{ type: "ina219", address: AT, channels: [{ shuntOhm: 0.1, ...load }], faults }] as const;
  const config = { address: AT, shuntOhm: 0.1, maxA: 3.2 };
  return SamplerRig.start({ chips }, [{ source: "ina219", config }]);
}

const WAVES: Readonly<Record<string, Waveform>> = {
  square: { kind: "square", lowA: 0.2, highA: 1, periodS: 0.05, duty: 0.3 },
  sine: { kind: "sine", meanA: 0.7, amplitudeA: 0.4, periodS: 0.031 },
  ramp: { kind: "ramp", lowA: 0.1, highA: 1.1, periodS: 0.07 },
};

describe.skipIf(gcc.skip)(`INA219 through i2c-bus ${gcc.reason}`, () => {
  it("reads the true watts, volts and amps", async () => {
    await using rig = await start();
    const [first, second] = await rig.next(2);
    for (const interval of [first, second]) {
      // Steps of 2 mW, and the shunt's and the bus's own.
      expect(interval?.w).toBeCloseTo(4, 1.5);
      expect(interval?.v).toBeCloseTo(5, 2);
      expect(interval?.a).toBeCloseTo(0.8, 2);
    }
    expect((second?.tUs ?? 0) - (first?.tUs ?? 0)).toBe(100_000);
    expect(rig.intervals().every(({ wMin, w, wMax }) => wMin <= w && w <= wMax)).toBe(true);
  });

  it.each(Object.keys(WAVES))("integrates a %s wave at full rate to its energy", async (name) => {
    await using rig = await start({ volts: 5, amps: WAVES[name] ?? 0 });
    await rig.healthy();
    const { error, trace } = await rig.compare(2, { address: AT, gapUs: 3 * 1064 });
    expect(trace.joules).toBeNull();
    // A reading cannot tell where in its 1.064 ms an edge was; 80 edges leave 0.25 % (one standard deviation).
    expect(Math.abs(error)).toBeLessThan(name === "square" ? 0.01 : 0.005);
  });

  it("names a chip that is gone, and reads on when it is back", async () => {
    await using rig = await start();
    await rig.healthy();
    await rig.bus.setFaults(AT, { absent: true });
    await rig.faulty("no-answer", /nothing answers at 0x40/);
    await rig.bus.setFaults(AT, { absent: false });
    for (const { w } of await rig.healthy()) expect(w).toBeCloseTo(4, 1.5);
  });

  it("names an address that a kernel driver owns, and a bus that fails", async () => {
    await using rig = await start(STEADY, { busy: true });
    await rig.faulty("address-busy", /a kernel driver owns the chip at 0x40/);
    await rig.bus.setFaults(AT, { busy: false });
    await rig.healthy();
    await rig.bus.setBusError(true);
    await rig.faulty("bus-error", /failed \(EIO\)/);
    await rig.bus.setBusError(false);
    await rig.healthy();
  });

  it("loses readings to a bad contact, and nothing else", async () => {
    await using rig = await start();
    await rig.healthy();
    await rig.bus.setFaults(AT, { nackEvery: 7 });
    await rig.hadFault("no-answer");
    for (const { w } of await rig.next(3)) expect(w).toBeCloseTo(4, 1.5);
  });

  it("sets the chip up again when it was reset, and says so", async () => {
    await using rig = await start();
    await rig.healthy();
    await rig.bus.reset(AT);
    await rig.hadFault("calibration-lost");
    await rig.healthy();
    expect(rig.intervals().every(({ w }) => w > 3.9)).toBe(true);
  });

  it("reports overflow instead of a wrong figure", async () => {
    await using rig = await start();
    await rig.healthy();
    await rig.bus.setLoad(AT, { volts: 15.9, amps: 3.5 });
    await rig.faulty("overflow", /range of 3.2 A/);
    await rig.bus.setLoad(AT, STEADY);
    await rig.healthy();
  });

  it("refuses another chip at the address", async () => {
    await using rig = await start(STEADY, { memory: true });
    await rig.faulty("wrong-chip", /is no INA219/);
  });

  it("starts again when the sampler process dies", async () => {
    await using rig = await start();
    await rig.healthy();
    const { pid } = rig.sampler;
    if (pid === undefined) throw new RangeError("no process");
    process.kill(pid, "SIGKILL");
    await rig.hadFault("sampler-died");
    await eventually(() => expect(rig.sampler.pid).not.toBe(pid), { timeoutMs: 45_000 });
    await rig.healthy();
  });
});
