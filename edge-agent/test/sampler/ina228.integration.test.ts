import { eventually, requireSystem } from "@edgewatt/testing";
import { describe, expect, it } from "vitest";
import { CLOCK_LIMIT } from "../../src/measure/uncertainty.ts";
import { describeMonitor } from "./monitor-contract.ts";
import { SamplerRig } from "./sampler-rig.ts";

const AT = 0x45;
const CONFIG = { address: AT, shuntOhm: 0.015, maxA: 10 };

describeMonitor({
  type: "ina228",
  shuntOhm: 0.015,
  config: { shuntOhm: 0.015, maxA: 10 },
  resolution: 0.001,
  wattsError: 0.2,
  // Totals miss nothing inside; each edge lies somewhere in a reading of 17.28 ms, of which only the mean is known.
  waveError: { square: 0.02, sine: 0.015, ramp: 0.015 },
  gapUs: Infinity,
  tooMuch: { volts: 5, amps: 11.5 },
  overflow: /exceeds/,
});

const gcc = requireSystem("gcc");
describe.skipIf(gcc.skip)(`INA228's running total ${gcc.reason}`, () => {
  const channels = [
    { shuntOhm: 0.015, volts: 5, amps: { kind: "sine", meanA: 0.8, amplitudeA: 0.5, periodS: 0.01 } },
  ] as const;

  it("goes on over the end of its 40 bits", async () => {
    // At 4 W the counter takes 4096 steps a second of 977 uJ: it wraps within the test.
    const chips = [{ type: "ina228", address: AT, channels, presetEnergy: 2 ** 40 - 3000 }] as const;
    await using rig = await SamplerRig.start({ chips }, [{ source: "ina228", config: CONFIG }]);
    await rig.healthy();
    const { error, trace } = await rig.compare(2, { address: AT, gapUs: Infinity });
    expect(Math.abs(error)).toBeLessThan(0.005);
    const { joules } = trace;
    expect(joules?.every((total, i) => i === 0 || total >= (joules[i - 1] ?? 0))).toBe(true);
  });

  it.each([0.005, -0.005])(
    "is corrected for an oscillator that is %d off, once its conversions were timed",
    async (clock) => {
      const chips = [{ type: "ina228", address: AT, channels, errors: { clock } }] as const;
      await using rig = await SamplerRig.start({ chips }, [{ source: "ina228", config: CONFIG }]);
      const channel = await eventually(
        () => {
          const { described, fault } = rig.sampler.channel("main");
          if (described?.measured === undefined) throw new RangeError(`not calibrated: ${fault}`);
          return described;
        },
        { timeoutMs: 45_000 },
      );
      const { clockRatio, clockLimit } = channel.measured ?? {};
      expect(Math.abs(Number(clockRatio) * (1 + clock) - 1)).toBeLessThanOrEqual(Number(clockLimit));
      expect(channel.limits?.timeBase).toBe(Number(clockLimit) + CLOCK_LIMIT);
      expect(channel.limits?.timeBase).toBeLessThan(0.001);
      const { error } = await rig.compare(4, { address: AT, gapUs: Infinity });
      expect(Math.abs(error)).toBeLessThan(0.002);
    },
  );

  it("is as wrong as its oscillator where conversions are too short to be timed, which its limits of error state", async () => {
    const chips = [{ type: "ina228", address: AT, channels, errors: { clock: 0.005 } }] as const;
    const config = { ...CONFIG, averaging: 1 };
    await using rig = await SamplerRig.start({ chips }, [{ source: "ina228", config }]);
    await rig.healthy();
    const { error } = await rig.compare(4, { address: AT, gapUs: Infinity });
    expect(error).toBeGreaterThan(0.003);
    expect(error).toBeLessThan(0.007);
    expect(rig.sampler.channel("main").described?.limits?.timeBase).toBe(0.005);
  });
});
