import { describe, expect, it } from "vitest";
import { probeBus } from "../../src/sensors/probe.ts";
import { SimulatedHost } from "./simulated-bus.ts";
import { SimulatedIna219 } from "./simulated-ina219.ts";
import { SimulatedIna226 } from "./simulated-ina226.ts";
import { SimulatedIna228 } from "./simulated-ina228.ts";
import { SimulatedIna3221 } from "./simulated-ina3221.ts";
import { SimulatedMemory } from "./simulated-monitor.ts";

function fullBus() {
  const { bus } = new SimulatedHost();
  const ina219 = new SimulatedIna219();
  const other = new SimulatedIna226();
  other.read = (register) => (register === 0xfe ? 0x5449 : 0xa080);
  bus.chips.set(0x40, ina219);
  bus.chips.set(0x41, new SimulatedIna226());
  bus.chips.set(0x42, new SimulatedIna3221());
  bus.chips.set(0x43, new SimulatedIna226("ina260"));
  bus.chips.set(0x44, new SimulatedIna228("ina228"));
  bus.chips.set(0x45, new SimulatedIna228("ina238"));
  bus.chips.set(0x46, new SimulatedMemory());
  bus.chips.set(0x47, other);
  bus.faults.set(0x48, "address-busy");
  bus.faults.set(0x49, "bus-error");
  return { bus, ina219 };
}

describe("probeBus", () => {
  it("lists who answers by reading only", () => {
    const { bus } = fullBus();
    const found = probeBus(bus, { write: false });
    expect(found.map(({ address, chip }) => [address, chip])).toEqual([
      [0x40, "ina219"],
      [0x41, "ina226"],
      [0x42, "ina3221"],
      [0x43, "ina260"],
      [0x44, "ina228"],
      [0x45, "ina238"],
      [0x46, "ina219"],
      [0x47, "unknown"],
      [0x48, "unknown"],
      [0x49, "unknown"],
    ]);
    expect(bus.writes).toEqual([]);
    expect(found[0]?.evidence).toMatch(/0x399f, the reset value; not confirmed/);
    expect(found[4]?.evidence).toBe("die id 0x2281");
    expect(found[7]?.evidence).toMatch(/Texas Instruments, die id 0xa080/);
  });

  it("tells an INA219 from what only looks like one when it may write, to nobody else", () => {
    const { bus, ina219 } = fullBus();
    ina219.calibration = 4198;
    const found = probeBus(bus, { write: true });
    expect(found[0]).toMatchObject({ chip: "ina219", evidence: expect.stringMatching(/reads back/) as string });
    expect(found[6]).toMatchObject({ address: 0x46, chip: "unknown" });
    expect(ina219.calibration).toBe(4198);
    expect(new Set(bus.writes.map(([address]) => address))).toEqual(new Set([0x40, 0x46]));
  });

  it("gives up when the bus itself cannot be used", () => {
    const { bus } = new SimulatedHost();
    bus.faults.set(0x40, "bus-absent");
    expect(() => probeBus(bus, { write: false })).toThrow(expect.objectContaining({ code: "bus-absent" }) as Error);
  });

  it("finds nobody on an empty bus", () => {
    expect(probeBus(new SimulatedHost().bus, { write: true })).toEqual([]);
  });
});
