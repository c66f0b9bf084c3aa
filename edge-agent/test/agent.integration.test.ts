import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { benchmarkResultSchema, quantizeResultSchema, type ModelArtifact, type Results } from "@edgewatt/protocol";
import {
  createSimulatedBus,
  eventually,
  requireSystem,
  runCommand,
  startBroker,
  startMosquitto,
  tempDir,
  type SpawnedService,
  type TempDir,
  type TestBroker,
} from "@edgewatt/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { command, JOBS_LIMIT_MS, Observer, startAgent, zooModel } from "./agent-rig.ts";

const MODEL = "mobilenetv1-cifar10-p40";
/** Windows as short as they can be and still hold some tenths of a second. */
const TINY = {
  quick: true,
  spinning: false,
  strict: false,
  windows: 2,
  windowS: 0.5,
  idleS: 0.3,
  accuracyImages: 0,
  seed: 1,
};

vi.setConfig({ testTimeout: JOBS_LIMIT_MS });

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
  model = await zooModel(MODEL);
});
afterAll(async () => {
  await observer?.close();
  await broker?.stop();
  await dir?.[Symbol.asyncDispose]();
});
afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.stop("SIGKILL");
});

async function start(device: string, args: readonly string[] = [], url = broker.url): Promise<SpawnedService> {
  const agent = await startAgent({ broker: url, device, data: dir.path, args });
  agents.push(agent);
  return agent;
}

describe("presence", () => {
  it("announces itself, counts its starts, and says goodbye or leaves a will", async () => {
    const first = await start("pi-presence");
    expect(first.ready).toEqual({ ready: true, device: "pi-presence" });
    await eventually(() =>
      expect(observer.status.get("pi-presence")).toMatchObject({ state: "online", boot: 1, conn: 1 }),
    );
    await eventually(() => expect(observer.info.get("pi-presence")?.power[0]?.fault).toBeUndefined());
    expect(observer.info.get("pi-presence")).toMatchObject({
      boot: 1,
      operations: ["quantize", "prune", "benchmark", "sensitivity"],
      limits: { queuedJobs: 8 },
      power: [{ channel: "main", source: "estimate", rateHz: 10 }],
    });
    expect(await first.stop("SIGTERM")).toMatchObject({ code: 0 });
    await eventually(() =>
      expect(observer.status.get("pi-presence")).toMatchObject({ state: "offline", cause: "shutdown" }),
    );

    const second = await start("pi-presence");
    await eventually(() => expect(observer.status.get("pi-presence")).toMatchObject({ state: "online", boot: 2 }));
    await second.stop("SIGKILL");
    await eventually(() =>
      expect(observer.status.get("pi-presence")).toMatchObject({ state: "offline", boot: 2, cause: "connection lost" }),
    );
  });

  it("continues above the boot that the broker remembers when its disk is lost", async () => {
    const first = await start("pi-lost");
    await eventually(() => expect(observer.status.get("pi-lost")?.boot).toBe(1));
    await first.stop("SIGKILL");
    const other = await startAgent({ broker: broker.url, device: "pi-lost", data: path.join(dir.path, "new-disk") });
    agents.push(other);
    await eventually(() => expect(observer.status.get("pi-lost")).toMatchObject({ state: "online", boot: 2 }));
  });

  it("ends with exit code 3 and one line when there is no broker", async () => {
    const bin = new URL("../bin/edgewatt-agent.js", import.meta.url);
    const args = ["--broker", "mqtt://127.0.0.1:9", "--device", "pi-none", "--data", dir.path, "--log-level", "silent"];
    const result = await runCommand(bin, args);
    expect(result.code).toBe(3);
    expect(result.stderr.trim().split("\n")).toHaveLength(1);
    expect(result.stderr).toMatch(/no broker at mqtt:\/\/127\.0\.0\.1:9/);
  });

  it("tells why a meter gives nothing, and goes on without it", async () => {
    await writeFile(path.join(dir.path, "meter.yaml"), "agent:\n  meters: { main: { source: ina219, bus: 77 } }\n");
    await start("pi-blind", ["--config", path.join(dir.path, "meter.yaml")]);
    await eventually(() => {
      const [channel] = observer.info.get("pi-blind")?.power ?? [];
      expect(channel?.source).toBe("ina219");
      expect(channel?.fault).toMatch(/i2c-77 does not exist|npm ci/);
    });
    await eventually(() => expect(observer.rows("pi-blind", "system").length).toBeGreaterThan(0));
    expect(observer.rows("pi-blind", "power")).toEqual([]);
    await observer.send(
      "pi-blind",
      command("BLIND", { entries: [{ model, precision: "fp32" }], options: { ...TINY, windows: 1 } }),
    );
    const { results } = benchmarkResultSchema.parse((await observer.reach("BLIND", "succeeded")).result);
    const [row] = results.rows;
    expect(row?.meanPowerW).toBeNull();
    expect(row?.latencyMs.mean).toBeGreaterThan(0);
    expect(row?.flags.join()).toMatch(/power-missing: 1 of 1 window/);
  });
});

describe("benchmark", () => {
  let agent: SpawnedService;
  beforeEach(async () => {
    agent = await start("pi-1");
  });

  it("measures float and int8, and its telemetry holds the run without a gap", async () => {
    const job = "RUN-1";
    const entries = (["fp32", "int8"] as const).map((precision) => ({ model, precision }));
    await observer.send("pi-1", command(job, { entries, options: TINY }));
    const done = await observer.reach(job, "succeeded");
    const { results } = benchmarkResultSchema.parse(done.result);
    checkResults(results, job);

    // Stopping waits until ingest has everything.
    expect(await agent.stop("SIGTERM")).toMatchObject({ code: 0 });
    const power = observer.rows("pi-1", "power");
    const gaps = power.slice(1).map(({ tUs }, i) => tUs - (power[i]?.tUs ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThan(90_000);
    expect(Math.max(...gaps)).toBeLessThan(110_000);
    expect(power.every(({ columns }) => columns["source"] === "estimate" && Number(columns["w"]) > 0)).toBe(true);
    expect(power.filter(({ columns }) => "v" in columns || "a" in columns)).toEqual([]);

    const windows = observer.rows("pi-1", "event").filter(({ key }) => key === "run_event");
    const inferences = observer.rows("pi-1", "inference");
    expect(windows).toHaveLength(4);
    for (const { tUs, columns } of windows) {
      const { run, text, timeEnd } = columns;
      const endUs = Number(timeEnd) * 1000;
      expect(endUs - tUs).toBeGreaterThanOrEqual(499_000);
      const inside = inferences.filter((row) => row.columns["run"] === run && row.tUs >= tUs && row.tUs < endUs + 1000);
      expect(text).toContain(`${inside.length} inferences`);
      const marked = power.filter((row) => row.columns["run"] === run && row.tUs > tUs && row.tUs < endUs + 200_000);
      expect(marked.length).toBeGreaterThan(3);
    }
    const summaries = observer.rows("pi-1", "summary");
    expect(summaries.map(({ columns }) => columns["run"])).toEqual([`${job}/0`, `${job}/1`]);
    expect(summaries[0]?.columns).toMatchObject({
      powerSource: "estimate",
      params: 1_174_647,
      energyGrossMj: results.rows[0]?.energyMj.gross,
    });
    const device = observer.rows("pi-1", "system").filter(({ key }) => key === "device");
    expect(device.some(({ columns }) => columns["job"] === job && columns["jobState"] === "running")).toBe(true);
    expect(observer.live).toContain("power");
    const seqs = observer.batches.filter(({ device: id, stream }) => id === "pi-1" && stream === "power");
    expect(seqs.map(({ batch }) => batch.seq).sort((a, b) => a - b)).toEqual([...seqs.keys()]);
  });

  it("answers a command that it knows, and rejects what cannot be", async () => {
    const seen = observer.states.filter(({ job }) => job === "RUN-1").length;
    const again = command("RUN-1", { entries: [{ model, precision: "fp32" }], options: TINY });
    await observer.send("pi-1", { ...again, rev: 2 });
    await eventually(() => expect(observer.states.filter(({ job }) => job === "RUN-1").length).toBeGreaterThan(seen));
    expect(observer.stateOf("RUN-1")).toMatchObject({ state: "succeeded", attempt: 1 });

    await observer.sendRaw("pi-1", "BROKEN", "{");
    expect((await observer.reach("BROKEN", "rejected")).reason?.code).toBe("invalid");
    const options = { percentile: 99 };
    await observer.send(
      "pi-1",
      command("AGAINST", { model, calibration: { kind: "synthetic" }, options }, { op: "quantize" }),
    );
    expect((await observer.reach("AGAINST", "rejected")).reason).toMatchObject({
      code: "invalid",
      message: expect.stringMatching(/a percentile goes with the methods percentile and auto/) as string,
    });
    await observer.send("pi-1", command("NO-ENTRIES", { entries: [], options: {} }));
    expect((await observer.reach("NO-ENTRIES", "rejected")).reason?.message).toMatch(/entries/);
  });

  it("fails a model that is none with one line, and goes on", async () => {
    const file = path.join(dir.path, "text.onnx");
    await writeFile(file, "not a model");
    const text: ModelArtifact = {
      ...model,
      url: pathToFileURL(file).href,
      sha256: createHash("sha256").update("not a model").digest("hex"),
      bytes: 11,
    };
    await observer.send("pi-1", command("TEXT", { entries: [{ model: text, precision: "fp32" }], options: TINY }));
    const { reason } = await observer.reach("TEXT", "failed");
    expect(reason?.message).not.toContain("\n");
    expect(reason?.message).toMatch(/ONNX/);
    const gone: ModelArtifact = { ...model, url: "file:///nowhere/m.onnx" };
    await observer.send("pi-1", command("GONE", { entries: [{ model: gone, precision: "fp32" }], options: TINY }));
    expect((await observer.reach("GONE", "failed")).reason?.code).toBe("artifact-missing");
  });

  it("stops a window when it is canceled", async () => {
    const long = command("LONG", { entries: [{ model, precision: "fp32" }], options: { ...TINY, windowS: 100 } });
    await observer.send("pi-1", long);
    await observer.reachStep("LONG", "measure");
    await observer.send("pi-1", { ...long, rev: 2, cancel: true });
    expect(await observer.reach("LONG", "canceled")).toMatchObject({ rev: 2, reason: { message: "canceled by test" } });
  });

  it("runs a job again that kill -9 interrupted", async () => {
    const options = { ...TINY, windowS: 2 };
    await observer.send("pi-1", command("TORN", { entries: [{ model, precision: "fp32" }], options }));
    await observer.reachStep("TORN", "measure");
    await agent.stop("SIGKILL");
    await start("pi-1");
    await eventually(() =>
      expect(observer.states.some(({ job, state }) => job === "TORN" && state === "interrupted")).toBe(true),
    );
    expect(await observer.reach("TORN", "succeeded")).toMatchObject({ attempt: 2 });
  });

  it("sends nothing in strict windows, and says until when", async () => {
    const options = { ...TINY, strict: true, windows: 1, windowS: 2 };
    await observer.send("pi-1", command("STRICT", { entries: [{ model, precision: "fp32" }], options }));
    const silent = await eventually(
      () => {
        const status = observer.status.get("pi-1");
        if (status?.measuringUntil === undefined) throw new RangeError("not measuring");
        return { until: status.measuringUntil, ts: status.ts };
      },
      { everyMs: 20 },
    );
    expect(silent.until).toBeGreaterThan(silent.ts);
    await observer.reach("STRICT", "succeeded");
    await eventually(() => expect(observer.status.get("pi-1")?.measuringUntil).toBeUndefined());
    await agent.stop("SIGTERM");
    const window = observer.rows("pi-1", "event").find(({ columns }) => columns["run"] === "STRICT/0");
    // The seconds of the window came after it, whole.
    const inside = observer
      .rows("pi-1", "power")
      .filter(({ tUs }) => tUs > (window?.tUs ?? 0) && tUs < (window?.tUs ?? 0) + 2_000_000);
    expect(inside.length).toBeGreaterThanOrEqual(19);
  });
});

describe("a fleet", () => {
  it("quantizes on one device while the other's watts keep moving", async () => {
    await start("pi-a");
    await start("pi-b");
    const quantize = command(
      "QUANT",
      { model, calibration: { kind: "synthetic" }, options: { images: 16 } },
      { op: "quantize" },
    );
    await observer.send("pi-a", quantize);
    const done = quantizeResultSchema.parse((await observer.reach("QUANT", "succeeded")).result);
    expect(done.artifact.bytes / model.bytes).toBeLessThan(0.285);
    expect(done).toMatchObject({ model: MODEL, cached: false, accuracyPct: null });
    expect(fileURLToPath(done.artifact.url)).toContain("agent-pi-a");
    await observer.send("pi-a", { ...quantize, job: "QUANT-2" });
    const again = quantizeResultSchema.parse((await observer.reach("QUANT-2", "succeeded")).result);
    expect(again).toMatchObject({ cached: true, artifact: { sha256: done.artifact.sha256 } });
    await eventually(() => expect(observer.rows("pi-b", "power").length).toBeGreaterThan(10));
  });

  it("comes back to a broker that was restarted, with all it sampled meanwhile", async () => {
    const own = await startBroker();
    let eyes = await Observer.connect(own.url);
    await start("pi-back", [], own.url);
    await eventually(() => expect(eyes.rows("pi-back", "power").length).toBeGreaterThan(5));
    const before = eyes.rows("pi-back", "power");
    await own.stop("SIGKILL");
    await eyes.close();
    const back = await startBroker({ mqttPort: Number(new URL(own.url).port) });
    eyes = await Observer.connect(back.url);
    await eventually(() => expect(eyes.status.get("pi-back")).toMatchObject({ state: "online", conn: 2 }));
    await eyes.playIngest(true);
    // Nobody acknowledged anything yet, so all of it comes again, from the first row on.
    await eventually(() => expect(eyes.rows("pi-back", "power")[0]?.tUs).toBe(before[0]?.tUs));
    await eventually(() => {
      const power = eyes.rows("pi-back", "power");
      expect(power.length).toBeGreaterThan(before.length);
      const gaps = power.slice(1).map(({ tUs }, i) => tUs - (power[i]?.tUs ?? 0));
      expect(Math.max(...gaps)).toBeLessThan(110_000);
    });
    await eyes.close();
    await back.stop();
  });
});

const gcc = requireSystem("gcc");
describe.skipIf(gcc.skip)(`with an INA219 ${gcc.reason}`, () => {
  it("measures the true watts of the supply", async () => {
    const chips = [{ type: "ina219", address: 0x40, channels: [{ volts: 5, amps: 0.8 }] }] as const;
    const bus = await createSimulatedBus(path.join(dir.path, "chip"), { chips });
    const config = path.join(dir.path, "chip.yaml");
    await writeFile(config, `agent:\n  meters: { main: { source: ina219, bus: ${bus.bus} } }\n`);
    const args = ["--config", config];
    agents.push(await startAgent({ broker: broker.url, device: "pi-ina", data: dir.path, args, env: bus.env }));
    const options = { ...TINY, windows: 3 };
    await observer.send("pi-ina", command("INA", { entries: [{ model, precision: "fp32" }], options }));
    const { results } = benchmarkResultSchema.parse((await observer.reach("INA", "succeeded")).result);
    expect(results.devices[0]?.power).toMatchObject({ source: "ina219", settings: { bus: 9, shuntOhm: 0.1 } });
    const [row] = results.rows;
    for (const watts of [row?.meanPowerW, row?.idlePowerW, row?.maxPowerW]) {
      expect(watts).toBeGreaterThan(4 * 0.99);
      expect(watts).toBeLessThan(4 * 1.01);
    }
    expect(row?.flags.join()).not.toMatch(/estimate|power-missing|energy-cross-check/);
    // The truth lies within what the row states, and most of that is the chip's and the shunt's.
    const { gross, grossHalfWidth95, grossMeter95 } = row?.energyMj ?? {};
    expect(Math.abs((gross ?? 0) - 4 * (row?.imageMs ?? 0))).toBeLessThanOrEqual(grossHalfWidth95 ?? 0);
    expect((grossMeter95 ?? 0) / (gross ?? 0)).toBeGreaterThan(0.005);
    expect((grossMeter95 ?? 0) / (gross ?? 0)).toBeLessThan(0.03);
    expect(row?.maxPowerBandwidthHz).toBeCloseTo(416, 0);
    expect(row?.maxPower10msW).toBeCloseTo(4, 1);
    expect(row?.trace?.bytes).toBeGreaterThan(1000);
    const power = observer.rows("pi-ina", "power");
    expect(power.length).toBeGreaterThan(5);
    expect(
      power.every(({ columns }) => columns["source"] === "ina219" && Math.abs(Number(columns["v"]) - 5) < 0.01),
    ).toBe(true);
  });
});

const mosquitto = requireSystem("mosquitto");
describe.skipIf(mosquitto.skip)(`with Mosquitto ${mosquitto.reason}`, () => {
  it("works the same", async () => {
    const other = await startMosquitto();
    const eyes = await Observer.connect(other.url);
    await eyes.playIngest(true);
    const agent = await start("pi-m", [], other.url);
    const options = { ...TINY, windows: 1 };
    await eyes.send("pi-m", command("M", { entries: [{ model, precision: "fp32" }], options }));
    await eyes.reach("M", "succeeded");
    await agent.stop("SIGKILL");
    await eventually(() => expect(eyes.status.get("pi-m")?.state).toBe("offline"));
    await eyes.close();
    await other.stop();
  });
});

function checkResults(results: Results, job: string): void {
  expect(results.devices[0]).toMatchObject({ id: "pi-1", power: { source: "estimate", channel: "main" } });
  expect(results.method).toMatchObject({ quick: true, windows: 2, windowS: 0.5, batch: 1, seed: 1, accuracyImages: 0 });
  expect(results.method.calibration).toEqual({ kind: "synthetic", images: 256 });
  expect(results.rows.map(({ precision }) => precision)).toEqual(["fp32", "int8"]);
  const [float, int8] = results.rows;
  expect((int8?.fileSizeMb ?? 1) / (float?.fileSizeMb ?? 1)).toBeLessThan(0.285);
  expect(int8?.flags).toContain("calibration: synthetic images");
  for (const [index, row] of results.rows.entries()) {
    expect(row).toMatchObject({
      device: "pi-1",
      model: MODEL,
      params: 1_174_647,
      run: `${job}/${index}`,
      pruning: 0.4,
    });
    expect(row.maxMemoryMb).toBeGreaterThan(row.memoryBaselineMb ?? Infinity);
    expect(row.meanPowerW).toBeGreaterThan(0);
    expect(row.energyMj.gross).toBeCloseTo((row.meanPowerW ?? 0) * (row.imageMs ?? 0), 6);
    expect(row.latencyMs.mean).toBeLessThanOrEqual((row.imageMs ?? 0) * 1.000_001);
    expect(row.latencyMs.halfWidth95).toBeGreaterThan(0);
    expect(row.flags).toContainEqual(expect.stringMatching(/^estimate: no meter; source estimate: /));
    expect(row.flags).toContain("accuracy: no labelled data set; `edgewatt datasets fetch cifar10` fetches one");
  }
}
