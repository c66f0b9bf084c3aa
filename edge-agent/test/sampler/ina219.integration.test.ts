import { eventually, requireSystem } from "@edgewatt/testing";
import { describe, expect, it } from "vitest";
import { describeMonitor } from "./monitor-contract.ts";
import { SamplerRig } from "./sampler-rig.ts";

const AT = 0x40;

describeMonitor({
  type: "ina219",
  shuntOhm: 0.1,
  config: { shuntOhm: 0.1, maxA: 3.2 },
  resolution: 0.002,
  // A reading cannot tell where in its 1.064 ms an edge was; 80 edges leave 0.25 % (one standard deviation).
  waveError: { square: 0.01, sine: 0.005, ramp: 0.01 },
  gapUs: 3 * 1064,
  tooMuch: { volts: 15.9, amps: 3.5 },
  overflow: /range of 3.2 A/,
});

const gcc = requireSystem("gcc");
describe.skipIf(gcc.skip)(`INA219 and its process ${gcc.reason}`, () => {
  it("starts again when the sampler process dies", async () => {
    const chips = [{ type: "ina219", address: AT, channels: [{ volts: 5, amps: 0.8 }] }] as const;
    await using rig = await SamplerRig.start({ chips }, [{ source: "ina219", config: { address: AT } }]);
    await rig.healthy();
    const { pid } = rig.sampler;
    if (pid === undefined) throw new RangeError("no process");
    process.kill(pid, "SIGKILL");
    await rig.hadFault("sampler-died");
    await eventually(() => expect(rig.sampler.pid).not.toBe(pid), { timeoutMs: 45_000 });
    await rig.healthy();
  });
});
