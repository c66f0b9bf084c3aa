import { requireSystem } from "@edgewatt/testing";
import { systemClock } from "@edgewatt/runtime";
import { describe, expect, it } from "vitest";
import { measureStretch } from "../../src/measure/energy.ts";
import { SamplerRig } from "./sampler-rig.ts";

/** 1024 averages of 2.2 ms. */
const PERIOD_US = 1024 * 2200;

const gcc = requireSystem("gcc");

describe.skipIf(gcc.skip)(`a chip that averages for seconds ${gcc.reason}`, () => {
  it("gives the power of a stretch, for which the reading after its end is waited for", async () => {
    const config = { shuntOhm: 0.02, averaging: 1024, shuntConversionUs: 1100, busConversionUs: 1100 };
    const channels = [{ shuntOhm: 0.02, volts: 5, amps: 0.8 }];
    await using rig = await SamplerRig.start({ chips: [{ type: "ina226", address: 0x40, channels }] }, [
      { source: "ina226", config },
    ]);
    rig.sampler.setRate({ rate: "full", keepS: 0 });
    await rig.healthy();
    const nowUs = systemClock.monotonicUs();
    const before = await rig.sampler.trace("main", 0, nowUs - 3e6);
    const lastUs = before?.tUs.at(-1) ?? nowUs;
    // It ends right after the middle of a conversion, so that the next reading is longest in coming: 3.3 s.
    const fromUs = lastUs + 0.1e6;
    const toUs = lastUs + Math.ceil((nowUs - lastUs) / PERIOD_US) * PERIOD_US + 0.1e6;
    await systemClock.sleep((toUs - nowUs) / 1000);
    const trace = await rig.sampler.trace("main", fromUs, toUs);
    const stretch = trace && measureStretch(trace, fromUs, toUs);
    expect(stretch?.meanW).toBeCloseTo(4, 2);
  });
});
