import { requireSystem } from "@edgewatt/testing";
import { afterEach, describe, expect, it, vi } from "vitest";
import { estimateLag } from "../../src/measure/lag.ts";
import { monotonicUs } from "../../src/process/monotonic.ts";
import { runLoadSteps } from "../../src/runner/load-steps.ts";
import { SamplerRig } from "../sampler/sampler-rig.ts";

const gcc = requireSystem("gcc");
const AT = 0x40;
const LAG_MS = 40;

afterEach(() => {
  vi.unstubAllEnvs();
});

describe.skipIf(gcc.skip)(`the lag of power behind load ${gcc.reason}`, () => {
  it("is found on a meter whose supply follows the processor so much later", async () => {
    const amps = { kind: "cpu", idleA: 0.3, fullA: 1, lagMs: LAG_MS } as const;
    const chips = [{ type: "ina226", address: AT, channels: [{ shuntOhm: 0.02, volts: 5, amps }] }] as const;
    const options = { chips, follow: "runner/load-child.js" };
    await using rig = await SamplerRig.start(options, [{ source: "ina226", config: { address: AT } }]);
    await rig.healthy();
    rig.sampler.setRate({ rate: "full", keepS: 0 });
    // The load's process tells the bus of itself as it starts.
    for (const [name, value] of Object.entries(rig.bus.env)) vi.stubEnv(name, value);
    const { signal } = new AbortController();
    const fromUs = monotonicUs();
    const steps = await runLoadSteps({ count: 10, onMs: 400, restMs: 400, longerMs: 10 }, { cores: undefined, signal });
    const trace = await rig.sampler.trace("main", fromUs, monotonicUs());
    const averagingUs = rig.sampler.channel("main").described?.averagingUs ?? Number.NaN;
    const lag = trace && estimateLag(trace, averagingUs, steps);
    if (lag === undefined) throw new RangeError("the load does not show in the power");
    // Others on this machine take the processor from the load, and what it does not work it does not draw.
    expect(Math.abs(lag.ms - LAG_MS)).toBeLessThan(lag.halfWidth95Ms + 3);
    expect(lag.steps).toBeGreaterThan(5);
  });
});
