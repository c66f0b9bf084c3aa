import { writeFile } from "node:fs/promises";
import path from "node:path";
import { benchmarkResultSchema, type ModelArtifact, type ResultRow } from "@edgewatt/protocol";
import {
  createSimulatedBus,
  eventually,
  requireSystem,
  startBroker,
  tempDir,
  type ConverterErrors,
  type SimulatedBus,
  type SpawnedService,
  type TempDir,
  type TestBroker,
} from "@edgewatt/testing";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { command, Observer, startAgent, zooModel } from "./agent-rig.ts";

const gcc = requireSystem("gcc");
const AT = 0x40;
const OPTIONS = { quick: true, spinning: false, strict: false, accuracyImages: 0, seed: 1 };
/** 2 to 7 W in two rhythms that have nothing to do with each other nor with the windows. */
const AMPS = [
  { kind: "sine", meanA: 0.7, amplitudeA: 0.2, periodS: 0.0371 },
  { kind: "square", lowA: 0, highA: 0.5, periodS: 0.113, duty: 0.4 },
] as const;
/** What the simulated converters err by, inside of what their datasheets allow and shunts of 1 % bring. */
const ERRORS: Readonly<Record<"ina219" | "ina228", ConverterErrors>> = {
  ina219: { shuntGain: 0.004, busGain: -0.002, shuntNoiseV: 20e-6 },
  ina228: { shuntGain: 0.0004, busGain: 0.0002, clock: -0.003 },
};
/** A shunt of 1 % alone leaves more than this of the energy open: 2 / √3 of it. */
const SHUNT_LIMIT = 0.0115;
/** What the mean power may be off by. */
const METER_LIMIT = 0.012;
/** What a machine that others use may add where the row says that readings are missing. */
const DISTURBED_LIMIT = 0.05;

let dir: TempDir;
let broker: TestBroker;
let observer: Observer;
let model: ModelArtifact;
const agents: SpawnedService[] = [];

beforeAll(async () => {
  dir = await tempDir();
  broker = await startBroker();
  observer = await Observer.connect(broker.url);
  await observer.playIngest(true);
  model = await zooModel("mobilenetv1-cifar10-p40");
});
afterAll(async () => {
  await observer?.close();
  await broker?.stop();
  await dir?.[Symbol.asyncDispose]();
});
afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.stop("SIGKILL");
});

interface TrueWindow {
  readonly seconds: number;
  readonly images: number;
  readonly joules: number;
}

/** What really flowed in the windows that a device has told of, in order. */
function trueWindows(device: string, bus: SimulatedBus): TrueWindow[] {
  // Telemetry is stamped with the time of day, the waveforms run on CLOCK_MONOTONIC.
  const toMonotonicUs = Number(process.hrtime.bigint()) / 1000 - (performance.timeOrigin + performance.now()) * 1000;
  return observer
    .rows(device, "event")
    .filter(({ key }) => key === "run_event")
    .map(({ tUs, columns }) => {
      const endUs = Number(columns["timeEnd"]) * 1000;
      const images = Number(/(\d+) inferences/.exec(String(columns["text"]))?.[1]);
      const joules = bus.energyBetween(AT, tUs + toMonotonicUs, endUs + toMonotonicUs);
      return { seconds: (endUs - tUs) / 1e6, images, joules };
    });
}

/** The row's energy per image and mean power are those of the windows together, within the uncertainty that it states. */
function checkEnergy(row: ResultRow, windows: readonly TrueWindow[]): void {
  const isDisturbed = row.flags.some((flag) => flag.startsWith("samples-missing"));
  const limit = isDisturbed ? DISTURBED_LIMIT : METER_LIMIT;
  const total = (key: keyof TrueWindow) => windows.reduce((sum, window) => sum + window[key], 0);
  const trueMj = (1000 * total("joules")) / total("images");
  const { gross, grossHalfWidth95, grossMeter95 } = row.energyMj;
  expect(grossMeter95).toBeGreaterThan(SHUNT_LIMIT * trueMj);
  const stated = Number(grossHalfWidth95);
  expect(Math.abs((gross ?? Number.NaN) - trueMj)).toBeLessThan(
    isDisturbed ? Math.max(stated, DISTURBED_LIMIT * trueMj) : stated,
  );
  const trueW = total("joules") / total("seconds");
  expect(Math.abs((row.meanPowerW ?? Number.NaN) / trueW - 1)).toBeLessThan(limit);
  expect(row.maxPowerW).toBeGreaterThan(trueW);
}

async function startWith(device: string, source: "ina219" | "ina228"): Promise<SimulatedBus> {
  const shuntOhm = source === "ina219" ? 0.1 : 0.015;
  const channels = [{ shuntOhm, volts: 5, amps: AMPS }];
  const chips = [{ type: source, address: AT, channels, errors: ERRORS[source] }];
  const bus = await createSimulatedBus(path.join(dir.path, device), { chips });
  const config = path.join(dir.path, `${device}.yaml`);
  await writeFile(
    config,
    `agent:\n  meters: { main: { source: ${source}, bus: ${bus.bus}, shuntOhm: ${shuntOhm} } }\n`,
  );
  agents.push(
    await startAgent({ broker: broker.url, device, data: dir.path, args: ["--config", config], env: { ...bus.env } }),
  );
  return bus;
}

describe.skipIf(gcc.skip)(`a benchmark on a simulated meter ${gcc.reason}`, () => {
  it.each(["ina219", "ina228"] as const)("gives the waveform's true energy: %s", async (source) => {
    const device = `pi-${source}`;
    const bus = await startWith(device, source);
    const options = { ...OPTIONS, windows: 3, windowS: 2, idleS: 1 };
    await observer.send(device, command(`TRUE-${source}`, { entries: [{ model, precision: "fp32" }], options }));
    const { result } = await observer.reach(`TRUE-${source}`, "succeeded");
    const [row] = benchmarkResultSchema.parse(result).results.rows;
    if (row === undefined) throw new RangeError("no row");
    expect(row.flags.join()).not.toMatch(/power-missing|estimate/);
    const windows = await eventually(() => {
      const told = trueWindows(device, bus);
      if (told.length < 3) throw new RangeError(`${told.length} windows were told of`);
      return told;
    });
    expect(windows).toHaveLength(3);
    checkEnergy(row, windows);
    expect(row.energyMj.net).not.toBeNull();
  });

  it("loses the window in which its chip is pulled out, and nothing else", async () => {
    const device = "pi-pulled";
    const bus = await startWith(device, "ina219");
    const options = { ...OPTIONS, windows: 3, windowS: 6, idleS: 1 };
    await observer.send(device, command("PULLED", { entries: [{ model, precision: "fp32" }], options }));
    const toldWindows = (count: number) =>
      eventually(
        () => {
          const told = trueWindows(device, bus);
          if (told.length < count) throw new RangeError(`${told.length} windows were told of`);
          return told;
        },
        { timeoutMs: 45_000, everyMs: 20 },
      );
    await toldWindows(1);
    const first = observer.rows(device, "event").find(({ key }) => key === "run_event");
    // Rows of power bear the run while a window is open: these belong to the second one.
    await eventually(
      () => {
        const endUs = Number(first?.columns["timeEnd"]) * 1000 + 200_000;
        const open = observer.rows(device, "power").filter(({ tUs, columns }) => tUs > endUs && "run" in columns);
        const seconds = ((open.at(-1)?.tUs ?? 0) - (open[0]?.tUs ?? 0)) / 1e6;
        if (seconds < 0.5) throw new RangeError("the second window is not well under way");
      },
      { timeoutMs: 45_000, everyMs: 20 },
    );
    await bus.setFaults(AT, { absent: true });
    await eventually(() => expect(observer.info.get(device)?.power[0]?.fault).toMatch(/nothing answers/), {
      timeoutMs: 45_000,
      everyMs: 20,
    });
    await bus.setFaults(AT, { absent: false });
    const { result } = await observer.reach("PULLED", "succeeded");
    const [row] = benchmarkResultSchema.parse(result).results.rows;
    if (row === undefined) throw new RangeError("no row");
    expect(row.flags.join("\n")).toMatch(/^power-missing: 1 of 3 windows: .*no-answer/m);
    expect(row.flags.join()).not.toMatch(/meter-fault: .*no-answer|idle-missing/);
    expect(row.latencyMs.halfWidth95).not.toBeNull();
    const windows = await toldWindows(3);
    checkEnergy(
      row,
      [windows[0], windows[2]].filter((window) => window !== undefined),
    );
    expect(row.energyMj.net).not.toBeNull();
  });
});
