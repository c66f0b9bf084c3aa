import { requireSystem } from "@edgewatt/testing";
import { describe, expect, it } from "vitest";
import { describeMonitor } from "./monitor-contract.ts";
import { SamplerRig } from "./sampler-rig.ts";

const AT = 0x41;

describeMonitor({
  type: "ina3221",
  shuntOhm: 0.1,
  config: { channels: [{ input: 1, shuntOhm: 0.1, maxA: 1.6 }] },
  // Steps of 8 mV and 0.4 mA.
  resolution: 0.002,
  waveError: { square: 0.01, sine: 0.005, ramp: 0.01 },
  gapUs: 3 * 1176,
  tooMuch: { volts: 5, amps: 2 },
  overflow: /exceeds its range/,
});

const gcc = requireSystem("gcc");
describe.skipIf(gcc.skip)(`INA3221's three channels ${gcc.reason}`, () => {
  it("are told apart, each with its own shunt", async () => {
    const channels = [
      { shuntOhm: 0.1, volts: 5, amps: 0.8 },
      { shuntOhm: 0.05, volts: 3.304, amps: { kind: "sine", meanA: 1, amplitudeA: 0.6, periodS: 0.2 } },
      { shuntOhm: 0.01, volts: 12, amps: 2 },
    ] as const;
    const inputs = [
      { input: 1, name: "input", shuntOhm: 0.1 },
      { input: 2, name: "cpu", shuntOhm: 0.05 },
      { input: 3, name: "fan", shuntOhm: 0.01 },
    ];
    const config = { address: AT, channels: inputs };
    const chips = [{ type: "ina3221", address: AT, channels }] as const;
    await using rig = await SamplerRig.start({ chips }, [{ name: "rails", source: "ina3221", config }]);
    for (const { w } of await rig.healthy("rails.input")) expect(w).toBeCloseTo(4, 1.5);
    for (const { w } of await rig.healthy("rails.fan")) expect(w).toBeCloseTo(24, 0);
    const { error } = await rig.compare(2, { address: AT, gapUs: 3 * 3528, channel: "rails.cpu", load: 1 });
    expect(Math.abs(error)).toBeLessThan(0.02);
  });

  it("keep their readings and their windows when one of them is beyond its range", async () => {
    const channels = [0.8, 0.4, 0.2].map((amps) => ({ shuntOhm: 0.1, volts: 5, amps }));
    const inputs = ["input", "cpu", "fan"].map((name, i) => ({ input: i + 1, name, shuntOhm: 0.1 }));
    const config = { address: AT, channels: inputs };
    const chips = [{ type: "ina3221", address: AT, channels }] as const;
    await using rig = await SamplerRig.start({ chips }, [{ name: "rails", source: "ina3221", config }]);
    for (const channel of ["rails.input", "rails.cpu", "rails.fan"]) await rig.healthy(channel);
    const fromUs = await rig.bus.setLoad(AT, { volts: 5, amps: 2 }, 1);
    await rig.faulty("overflow", /INA3221 at 0x41 .*current of cpu exceeds/, "rails.cpu");
    const { error, trace } = await rig.compare(1, { address: AT, gapUs: 3 * 3528, channel: "rails.input" });
    expect(Math.abs(error)).toBeLessThan(0.005);
    for (const { w } of await rig.healthy("rails.fan")) expect(w).toBeCloseTo(1, 1);
    const toUs = trace.tUs.at(-1) ?? 0;
    expect(rig.sampler.faultsBetween("rails.cpu", fromUs, toUs)).toContain("overflow");
    for (const channel of ["rails.input", "rails.fan"]) {
      expect(rig.sampler.faultsBetween(channel, fromUs, toUs)).not.toContain("overflow");
      expect(rig.fault(channel)).toBeUndefined();
    }
    await rig.bus.setLoad(AT, { volts: 5, amps: 0.4 }, 1);
    for (const { w } of await rig.healthy("rails.cpu")) expect(w).toBeCloseTo(2, 1);
  });
});
