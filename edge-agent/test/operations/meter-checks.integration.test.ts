import path from "node:path";
import { fileURLToPath } from "node:url";
import type { DeviceInfo, ModelArtifact } from "@edgewatt/protocol";
import { systemClock } from "@edgewatt/runtime";
import { eventually, requireSystem, tempDir, type Waveform } from "@edgewatt/testing";
import { afterEach, describe, expect, it, vi } from "vitest";
import { MeterFactStore } from "../../src/measure/meter-facts.ts";
import { makePlan } from "../../src/measure/plan.ts";
import { checkMeter } from "../../src/operations/meter-checks.ts";
import { openObservedModel, type ObservedModel } from "../../src/operations/observed-model.ts";
import { runLoadSteps } from "../../src/runner/load-steps.ts";
import { SamplerRig } from "../sampler/sampler-rig.ts";

const gcc = requireSystem("gcc");
const AT = 0x40;
const SHUNT_OHM = 0.02;
/** What stamping and sampling once a millisecond leave. */
const RESOLUTION_MS = 2;
const FULL = { quick: false, spinning: false, strict: false };

afterEach(() => {
  vi.unstubAllEnvs();
});

const MODEL = fileURLToPath(new URL("../../../models/mobilenetv1-cifar10-p40.onnx", import.meta.url));
const signal = new AbortController().signal;
const cores = { sampler: undefined, runner: undefined, note: "not pinned" };

/** What the agent finds of a simulated INA226 on its real sampler. */
async function check(
  options: Parameters<typeof checkMeter>[0],
  simulation: { amps: Waveform; follow?: string },
  openModel: () => Promise<ObservedModel>,
) {
  await using dir = await tempDir();
  const chips = [
    { type: "ina226", address: AT, channels: [{ shuntOhm: SHUNT_OHM, volts: 5, amps: simulation.amps }] },
  ] as const;
  const { follow } = simulation;
  await using rig = await SamplerRig.start({ chips, ...(follow === undefined ? {} : { follow }) }, [
    { source: "ina226", config: { address: AT, shuntOhm: SHUNT_OHM } },
  ]);
  // The load child tells the simulation which process it is.
  if (follow !== undefined) for (const [name, value] of Object.entries(rig.bus.env)) vi.stubEnv(name, value);
  await rig.healthy();
  const bench = {
    power: { channel: "main", meter: "main", source: "ina226" },
    sampler: rig.sampler,
    meterFacts: new MeterFactStore(path.join(dir.path, "meters.json"), () => systemClock.nowUs() / 1000),
    cores,
    clock: systemClock,
    info: () => ({ hardware: { board: "test board" } }) as DeviceInfo,
    loadSteps: runLoadSteps,
    openModel,
  } as const;
  return await checkMeter(options, bench, { signal, event: () => {} });
}

/** The lag of a meter whose current follows the load child as much later. */
async function findLag(lagMs: number) {
  const amps = { kind: "cpu", idleA: 0.4, fullA: 1, lagMs } as const;
  const { lag, lagNote } = await check({ ...FULL, observer: false }, { amps, follow: "load-child.js" }, () =>
    Promise.reject(new RangeError("nobody asked for the observer effect")),
  );
  if (lag === null || lag === undefined) throw new RangeError(`no lag: ${lagNote}`);
  return lag;
}

/** A small model of the zoo in a real runner. */
function openZooModel(): Promise<ObservedModel> {
  const plan = makePlan({
    options: { ...FULL, quick: true, threads: 1 },
    entries: 1,
    cores: 2,
    availableMemoryMb: 4000,
    seed: 1,
  });
  const model = { name: "p40" } as ModelArtifact;
  return openObservedModel({ model, precision: "fp32", path: MODEL, feeds: [] }, plan, {
    bench: { cores },
    context: { signal },
  });
}

describe.skipIf(gcc.skip)(`the effect of reading a meter ${gcc.reason}`, () => {
  it("is found in idle power and in the latency of a model", { timeout: 280_000 }, async () => {
    const amps = { kind: "constant", amps: 0.5 } as const;
    const { observer, lagNote } = await check({ ...FULL, quick: true, observer: true }, { amps }, openZooModel);
    expect(lagNote).toBe("not measured in a quick run");
    if (observer?.latency === undefined) throw new RangeError("no observer effect was found");
    expect(observer.fastHz).toBeGreaterThan(500);
    expect(observer.fastW).toBeCloseTo(2.5, 1);
    // What the simulated meter shows does not depend on how often it is read.
    expect(Math.abs(observer.deltaW)).toBeLessThan(0.01);
    const { fastMs, slowMs, deltaMs, halfWidth95Ms } = observer.latency;
    expect(observer.latency).toMatchObject({ model: "p40", precision: "fp32", threads: 1 });
    expect(slowMs).toBeGreaterThan(0.05);
    expect(fastMs - slowMs).toBeCloseTo(deltaMs, 9);
    expect(halfWidth95Ms).toBeGreaterThan(0);
  });
});

describe.skipIf(gcc.skip)(`the lag of a meter behind the load ${gcc.reason}`, () => {
  // A step that others' work on this machine cut into says little: then it is measured again.
  it.each([0, 25])("of %i ms is found within its half-width", { timeout: 280_000 }, async (lagMs) => {
    await eventually(
      async () => {
        const { ms, halfWidth95Ms, steps } = await findLag(lagMs);
        expect(steps).toBeGreaterThanOrEqual(8);
        expect(Math.abs(ms - lagMs)).toBeLessThanOrEqual(Math.max(RESOLUTION_MS, halfWidth95Ms));
        expect(halfWidth95Ms).toBeLessThan(10);
      },
      { timeoutMs: 240_000 },
    );
  });
});
