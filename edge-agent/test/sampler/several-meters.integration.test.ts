import { requireSystem } from "@edgewatt/testing";
import { describe, expect, it } from "vitest";
import { SamplerRig } from "./sampler-rig.ts";

const gcc = requireSystem("gcc");

describe.skipIf(gcc.skip)(`several meters on one bus ${gcc.reason}`, () => {
  const chips = [
    { type: "ina228", address: 0x45, channels: [{ shuntOhm: 0.015, volts: 5, amps: 1.2 }] },
    {
      type: "ina3221",
      address: 0x41,
      channels: [
        { volts: 5, amps: 0.3 },
        { volts: 3.304, amps: 0.5 },
        { volts: 1.8, amps: 0.2 },
      ],
    },
    {
      type: "ina219",
      address: 0x40,
      channels: [{ volts: 5, amps: { kind: "square", lowA: 0.4, highA: 1.2, periodS: 0.1 } }],
    },
  ] as const;
  const meters = [
    { name: "input", source: "ina228", config: { address: 0x45, shuntOhm: 0.015 } },
    { name: "rails", source: "ina3221", config: { address: 0x41 } },
    { name: "cpu", source: "ina219", config: { address: 0x40 } },
  ] as const;

  it("are read each at its own rate, and each gives the truth", async () => {
    await using rig = await SamplerRig.start({ chips }, meters);
    for (const { a } of await rig.healthy("input")) expect(a).toBeCloseTo(1.2, 2);
    for (const { w } of await rig.healthy("rails.ch2")) expect(w).toBeCloseTo(1.652, 1);
    const input = await rig.compare(2, { address: 0x45, gapUs: Infinity, channel: "input" });
    expect(Math.abs(input.error)).toBeLessThan(0.01);
    // Others' transfers delay its own, so its readings are further apart than where it is alone.
    const cpu = await rig.compare(2, { address: 0x40, gapUs: 6000, channel: "cpu" });
    expect(Math.abs(cpu.error)).toBeLessThan(0.02);
    expect(cpu.samples / cpu.seconds).toBeGreaterThan(2 * (input.samples / input.seconds));
  });

  it("do not suffer from one that is pulled out", async () => {
    await using rig = await SamplerRig.start({ chips }, meters);
    await rig.healthy("input");
    await rig.healthy("rails.ch1");
    await rig.bus.setFaults(0x41, { absent: true });
    await rig.faulty("no-answer", /nothing answers at 0x41/, "rails.ch3");
    for (const { a } of await rig.healthy("input")) expect(a).toBeCloseTo(1.2, 2);
    await rig.healthy("cpu");
    expect(rig.sampler.faultsBetween("input", 0, Number.MAX_VALUE)).not.toContain("no-answer");
    await rig.bus.setFaults(0x41, { absent: false });
    await rig.healthy("rails.ch3");
  });

  it("names the chip that is where another was expected", async () => {
    const config = { address: 0x45, shuntOhm: 0.015 };
    await using rig = await SamplerRig.start({ chips }, [{ source: "ina226", config }]);
    await rig.faulty("wrong-chip", /is no INA226: it is INA228, die id 0x2281/);
  });
});
