import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gunzipSync } from "node:zlib";
import {
  benchmarkResultSchema,
  layersSchema,
  quantizeResultSchema,
  type Artifact,
  type ModelArtifact,
  type ResultRow,
} from "@edgewatt/protocol";
import { systemClock } from "@edgewatt/runtime";
import {
  eventually,
  spawnService,
  startBroker,
  tempDir,
  type SpawnedService,
  type TempDir,
  type TestBroker,
} from "@edgewatt/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { measureStretch } from "../src/measure/energy.ts";
import { childrenOf, command, Observer, startAgent, zooModel } from "./agent-rig.ts";

const HUB = new URL("../../hub/bin/edgewatt-hub.js", import.meta.url);
const DEVICE = "pi-results";

let dir: TempDir;
let broker: TestBroker;
let hub: SpawnedService;
let agent: SpawnedService;
let observer: Observer;
let model: ModelArtifact;

beforeAll(async () => {
  dir = await tempDir();
  broker = await startBroker();
  hub = await spawnService(HUB, ["--broker", broker.url, "--http-port", "0", "--data", path.join(dir.path, "hub")]);
  observer = await Observer.connect(broker.url);
  agent = await startAgent({ broker: broker.url, device: DEVICE, data: dir.path });
  model = await zooModel("mobilenetv1-cifar10-p40");
});
afterAll(async () => {
  await observer?.close();
  await agent?.stop("SIGKILL");
  await hub?.stop("SIGKILL");
  await broker?.stop();
  await dir?.[Symbol.asyncDispose]();
});

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function cifar(name: string, bytes: Uint8Array): Promise<Artifact & { kind: "cifar" }> {
  const file = path.join(dir.path, name);
  await writeFile(file, bytes);
  return { kind: "cifar", name, url: pathToFileURL(file).href, sha256: digest(bytes), bytes: bytes.byteLength };
}

/** Each picture ten times, once with every label: whatever a model says, it is right in one of ten. */
function everyLabel(pictures: number): Buffer {
  const records: Buffer[] = [];
  for (let picture = 0; picture < pictures; picture++) {
    const pixels = Buffer.from(Array.from({ length: 3072 }, (_, i) => (i * (picture + 3) + picture * 41) % 256));
    for (let label = 0; label < 10; label++) records.push(Buffer.from([label]), pixels);
  }
  return Buffer.concat(records);
}

describe("quantize with a labelled set", () => {
  it("compares accuracy, and leaves the int8 model at the hub", async () => {
    const base = `${String(hub.ready["hub"])}/artifacts`;
    const bytes = await readFile(fileURLToPath(model.url));
    const put = await fetch(`${base}/${model.sha256}`, { method: "PUT", body: bytes });
    expect(put.ok).toBe(true);
    const args = {
      // As on another machine: the model comes from the hub, and its int8 form goes back there.
      model: { ...model, url: `${base}/${model.sha256}` },
      calibration: { kind: "synthetic" },
      options: { images: 16 },
      evaluation: await cifar("every-label.bin", everyLabel(6)),
      upload: base,
    };
    await observer.send(DEVICE, command("LABELS", args, { op: "quantize" }));
    const done = quantizeResultSchema.parse((await observer.reach("LABELS", "succeeded", 50_000)).result);
    expect(done.accuracyPct).toEqual({ float: 10, int8: 10, images: 60 });
    expect(done.artifact.url).toBe(`${base}/${done.artifact.sha256}`);
    const stored = Buffer.from(await (await fetch(done.artifact.url)).arrayBuffer());
    expect(stored.byteLength).toBe(done.artifact.bytes);
    expect(digest(stored)).toBe(done.artifact.sha256);
  });

  const datasets = process.env["EDGEWATT_DATASETS"];
  it.skipIf(datasets === undefined)("keeps the accuracy on real photographs (EDGEWATT_DATASETS)", async () => {
    const folder = path.join(datasets ?? "", "cifar10");
    const [test, train] = await Promise.all(
      ["test_batch.bin", "data_batch_1.bin"].map((name) => readFile(path.join(folder, name))),
    );
    const args = {
      model,
      calibration: await cifar("calibration.bin", train?.subarray(0, 128 * 3073) ?? Buffer.alloc(0)),
      options: { images: 128 },
      evaluation: await cifar("evaluation.bin", test?.subarray(0, 1000 * 3073) ?? Buffer.alloc(0)),
    };
    await observer.send(DEVICE, command("PHOTOS", args, { op: "quantize" }));
    const done = quantizeResultSchema.parse((await observer.reach("PHOTOS", "succeeded", 50_000)).result);
    expect(done.accuracyPct?.images).toBe(1000);
    expect(done.accuracyPct?.float).toBeGreaterThan(75);
    expect(Math.abs((done.accuracyPct?.float ?? 0) - (done.accuracyPct?.int8 ?? 0))).toBeLessThan(2);
  });
});

describe("sensitivity", () => {
  const options = { images: 16, evaluationImages: 30, windows: 2, windowS: 0.5, idleS: 0.3, format: "u8s8" };

  it("compares the layers by weights, time, energy, noise and accuracy, and records them", async () => {
    await observer.playIngest(true);
    const evaluation = await cifar("layers.bin", everyLabel(3));
    const args = { model, calibration: { kind: "synthetic" }, evaluation, options };
    await observer.send(DEVICE, command("LAYERS", args, { op: "sensitivity" }));
    const done = layersSchema.parse((await observer.reach("LAYERS", "succeeded", 50_000)).result);
    expect(done).toMatchObject({
      device: DEVICE,
      model: model.name,
      format: "u8s8",
      calibration: { kind: "synthetic", images: 16 },
      evaluation: { kind: "cifar", images: 30, heldBack: true, accuracyPct: 10 },
      energy: { source: "estimate", int8: { run: "LAYERS/1", windows: 2 }, float: { run: "LAYERS/0", windows: 2 } },
    });
    expect(done.flags).toContain("estimate: power is modelled from CPU use, no meter");
    expect(done.flags).toContain("calibration: synthetic images");
    expect(done.layers).toHaveLength(28);
    for (const layer of done.layers) {
      // Every picture comes with every label, so one in ten is right whatever the model says.
      expect(layer.accuracyDropPt).toBe(0);
      expect(layer.sqnrDb).toBeGreaterThan(5);
      expect(layer.energyPct).toBe(layer.timePct);
      expect(layer.energyMj).toBeCloseTo(((done.energy.int8?.grossMj ?? 0) * layer.timePct) / 100, 9);
      expect(layer.floatEnergyMj).toBeCloseTo(((done.energy.float?.grossMj ?? 0) * layer.floatTimePct) / 100, 9);
    }
    const points = await eventually(() => {
      const rows = observer.rows(DEVICE, "summary").filter(({ columns }) => columns["run"] === "LAYERS");
      expect(rows).toHaveLength(56);
      return rows;
    });
    const last = points.find(({ columns }) => columns["precision"] === "int8" && columns["index"] === 27);
    const { name, timePct, energyPct, weightsPct, sqnrDb, accuracyDropPt } = done.layers[27] ?? {};
    const figures = { timePct, energyPct, weightsPct, sqnrDb, accuracyDropPt };
    expect(last?.columns).toMatchObject({ model: model.name, layer: name, ...figures });
  });

  it("is canceled in the middle, and leaves no worker behind", async () => {
    const args = {
      model,
      calibration: { kind: "synthetic" },
      options: { ...options, windows: 0, evaluationImages: 9999 },
    };
    const long = command("STOP-LAYERS", args, { op: "sensitivity" });
    await observer.send(DEVICE, long);
    await eventually(() => expect(observer.stateOf("STOP-LAYERS")?.step).toBe("layers"), { timeoutMs: 50_000 });
    await observer.send(DEVICE, { ...long, rev: 2, cancel: true });
    await observer.reach("STOP-LAYERS", "canceled");
    expect(await childrenOf(agent, "models/child.js")).toEqual([]);
  });
});

describe("a full benchmark", () => {
  it("gives every window a fresh process", { timeout: 200_000 }, async () => {
    const options = {
      quick: false,
      spinning: false,
      strict: false,
      windows: 2,
      windowS: 0.5,
      idleS: 0.3,
      accuracyImages: 0,
      observer: false,
    };
    const upload = `${String(hub.ready["hub"])}/artifacts`;
    await observer.send(DEVICE, command("FULL", { entries: [{ model, precision: "fp32" }], options, upload }));
    const runners = new Set<number>();
    const ended = () => /succeeded|failed|timed_out/.test(observer.stateOf("FULL")?.state ?? "");
    const deadline = Date.now() + 180_000;
    while (!ended() && Date.now() < deadline) {
      for (const pid of await childrenOf(agent, "runner/child.js")) runners.add(pid);
      await systemClock.sleep(250);
    }
    const { results } = benchmarkResultSchema.parse((await observer.reach("FULL", "succeeded")).result);
    expect(runners.size).toBe(2);
    expect(await childrenOf(agent, "runner/child.js")).toEqual([]);
    expect(results.method).toMatchObject({ quick: false, windows: 2, windowS: 0.5, processes: "one per window" });
    const [row] = results.rows;
    expect(row?.flags.join()).not.toMatch(/quick/);
    expect(row?.flags).toContain("few-windows: 2");
    expect(row?.flags).toContain("window-length: windows of 0.5 s, those of the method have 10 s with this meter");
    expect(row?.latencyMs.mean).toBeGreaterThan(0);
    expect(row?.meanPowerW).toBeGreaterThan(0);
    expect(row?.energyMj.net).not.toBeNull();
    // At least 100 runs in each window, however short it is.
    expect(row?.latencyMs.p95).not.toBeNull();
    expect(row?.windows).toEqual({ measured: 2, powered: 2 });
    await checkTrace(row);
  });
});

/** The hub has the readings of the row, and its mean power comes out of them again. */
async function checkTrace(row: ResultRow | undefined): Promise<void> {
  const { url, sha256, bytes, name } = row?.trace ?? {};
  expect(name).toBe(`${model.name}-fp32-FULL-0.csv.gz`);
  const stored = Buffer.from(await (await fetch(url ?? "")).arrayBuffer());
  expect(stored.byteLength).toBe(bytes);
  expect(digest(stored)).toBe(sha256);
  const lines = gunzipSync(stored).toString().split("\n");
  expect(lines).toContain("# source: estimate");
  let joules = 0;
  let seconds = 0;
  for (const line of lines) {
    const [, window, from, to] = /^# window (\d) window: from_us (\S+) to_us (\S+)$/.exec(line) ?? [];
    if (window === undefined) continue;
    const cells = lines.filter((other) => other.startsWith(`${window},window,`)).map((other) => other.split(","));
    const column = (index: number) => Float64Array.from(cells, (row_) => Number(row_[index]));
    const trace = { tUs: column(2), watts: column(3), joules: column(4) };
    const stretch = measureStretch(trace, Number(from), Number(to));
    joules += stretch?.joules ?? Number.NaN;
    seconds += stretch?.seconds ?? Number.NaN;
  }
  expect(joules / seconds).toBeCloseTo(row?.meanPowerW ?? 0, 4);
}
