import { createHash } from "node:crypto";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { countParameters, readModel, writeModel } from "@edgewatt/onnx";
import { pruneResultSchema, quantizeResultSchema, type Artifact, type ModelArtifact } from "@edgewatt/protocol";
import {
  eventually,
  spawnService,
  startBroker,
  tempDir,
  type SpawnedService,
  type TempDir,
  type TestBroker,
} from "@edgewatt/testing";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { ModelBuilder } from "../../packages/onnx/test/build-model.ts";
import { childrenOf, command, JOBS_LIMIT_MS, Observer, startAgent, zooModel } from "./agent-rig.ts";

const HUB = new URL("../../hub/bin/edgewatt-hub.js", import.meta.url);
const DEVICE = "pi-prune";
const SYNTHETIC = { kind: "synthetic" } as const;

vi.setConfig({ testTimeout: JOBS_LIMIT_MS });

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
  model = { ...(await zooModel("mobilenetv1-cifar10-p40")), pruning: 0.4, fineTuneEpochs: 5 };
});
afterAll(async () => {
  await observer?.close();
  await agent?.stop("SIGKILL");
  await hub?.stop("SIGKILL");
  await broker?.stop();
  await dir?.[Symbol.asyncDispose]();
});

function prune(job: string, options: Record<string, unknown>, over: Record<string, unknown> = {}) {
  return command(job, { model, calibration: SYNTHETIC, options, ...over }, { op: "prune" });
}

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function artifactOf<K extends Artifact["kind"]>(file: string, kind: K): Promise<Artifact & { kind: K }> {
  const bytes = await readFile(file);
  const name = path.basename(file);
  return { kind, name, url: pathToFileURL(file).href, sha256: digest(bytes), bytes: bytes.byteLength };
}

async function madeHere(): Promise<string[]> {
  return readdir(path.join(dir.path, `agent-${DEVICE}`, "made"));
}

/** A file of an array of float32 zeros (format 1.0 of numpy.lib.format). */
async function zeros(name: string, shape: readonly number[]): Promise<Artifact & { kind: "npy" }> {
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(", ")}), }`;
  const padded = `${header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11)}\n`;
  const start = Buffer.from([0x93, ...Buffer.from("NUMPY"), 1, 0, padded.length & 255, padded.length >> 8]);
  const file = path.join(dir.path, name);
  await writeFile(
    file,
    Buffer.concat([start, Buffer.from(padded), Buffer.alloc(4 * shape.reduce((a, b) => a * b, 1))]),
  );
  return artifactOf(file, "npy");
}

describe("a prune job", () => {
  it("tells its progress, leaves the model at the hub, and says where it comes from", async () => {
    const base = `${String(hub.ready["hub"])}/artifacts`;
    const put = await fetch(`${base}/${model.sha256}`, {
      method: "PUT",
      body: await readFile(fileURLToPath(model.url)),
    });
    expect(put.ok).toBe(true);
    const remote = { ...model, url: `${base}/${model.sha256}` };
    const options = { fraction: 0.5, images: 40 };
    await observer.send(DEVICE, prune("FIRST", options, { model: remote, upload: base }));
    const done = pruneResultSchema.parse((await observer.reach("FIRST", "succeeded")).result);

    const { artifact, report } = done;
    expect(artifact).toMatchObject({
      name: `${model.name}-pruned-50-align16`,
      url: `${base}/${artifact.sha256}`,
      params: report.params.after,
      pruning: 0.7,
      fineTuneEpochs: 0,
      mean: model.mean,
      std: model.std,
    });
    const stored = Buffer.from(await (await fetch(artifact.url)).arrayBuffer());
    expect(stored.byteLength).toBe(artifact.bytes);
    expect(digest(stored)).toBe(artifact.sha256);
    const file = path.join(dir.path, "pruned.onnx");
    await writeFile(file, stored);
    expect(countParameters(await readModel(file))).toBe(report.params.after);
    expect(report.params.after).toBeLessThan(report.params.before);
    for (const { before, after } of report.channels) expect(after).toBeLessThanOrEqual(before);
    expect(artifact.lineage).toEqual([
      {
        op: "prune",
        from: { name: model.name, sha256: model.sha256 },
        fraction: 0.5,
        align: 16,
        by: "error",
        allocate: "uniform",
        calibration: { kind: "synthetic", images: 40, sha256: null },
        version: expect.any(Number) as number,
        created: expect.stringMatching(/Z$/) as string,
        device: DEVICE,
      },
    ]);

    const told = observer.states.filter(({ job, state }) => job === "FIRST" && state === "running");
    const steps = [...new Set(told.map(({ step }) => step))].filter((step) => step !== undefined);
    expect(steps).toEqual(expect.arrayContaining(["calibrate", "repair"]));
    const shares = told.flatMap(({ progress }) => progress ?? []);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));

    // The same model and arguments again, from the file itself this time: nothing is done twice.
    await observer.send(DEVICE, prune("AGAIN", { ...options, align: 16 }));
    const again = pruneResultSchema.parse((await observer.reach("AGAIN", "succeeded")).result);
    expect(again).toMatchObject({ cached: true, report, artifact: { sha256: artifact.sha256 } });
    expect(again.artifact.lineage).toEqual(artifact.lineage);
    expect(digest(await readFile(fileURLToPath(again.artifact.url)))).toBe(artifact.sha256);
  });

  it("gives a model whose int8 form knows the whole chain", async () => {
    await observer.send(DEVICE, prune("CHAIN", { fraction: 0.5, images: 40 }));
    const { artifact } = pruneResultSchema.parse((await observer.reach("CHAIN", "succeeded")).result);
    const args = { model: artifact, calibration: SYNTHETIC, options: { images: 16 } };
    await observer.send(DEVICE, command("CHAIN-INT8", args, { op: "quantize" }));
    const int8 = quantizeResultSchema.parse((await observer.reach("CHAIN-INT8", "succeeded")).result).artifact;
    expect(int8).toMatchObject({ name: `${artifact.name}-int8`, pruning: 0.7, params: artifact.params });
    expect(int8.lineage?.map(({ op, from }) => [op, from])).toEqual([
      ["prune", { name: model.name, sha256: model.sha256 }],
      ["quantize", { name: artifact.name, sha256: artifact.sha256 }],
    ]);
  });

  it("is canceled in the middle, and leaves neither a worker nor a file", async () => {
    const before = await madeHere();
    const long = prune("STOP", { fraction: 0.3, images: 4000 });
    await observer.send(DEVICE, long);
    await observer.reachStep("STOP", "calibrate");
    await observer.send(DEVICE, { ...long, rev: 2, cancel: true });
    expect(await observer.reach("STOP", "canceled")).toMatchObject({ rev: 2, reason: { message: "canceled by test" } });
    expect(await childrenOf(agent, "models/child.js")).toEqual([]);
    await eventually(async () => expect(await madeHere()).toEqual(before));
  });

  it("ends when its time is over", async () => {
    await observer.send(DEVICE, { ...prune("LATE", { fraction: 0.3, images: 4000 }), timeoutS: 1 });
    expect((await observer.reach("LATE", "timed_out")).reason?.message).toMatch(/1 s/);
    expect(await childrenOf(agent, "models/child.js")).toEqual([]);
  });

  it("is run once more after kill -9, succeeds once, and leaves what it made alone", async () => {
    await observer.send(DEVICE, prune("TORN", { fraction: 0.4, images: 100 }));
    await observer.reachStep("TORN", "calibrate");
    await agent.stop("SIGKILL");
    agent = await startAgent({ broker: broker.url, device: DEVICE, data: dir.path });
    const done = await observer.reach("TORN", "succeeded");
    expect(done.attempt).toBe(2);
    const states = observer.states
      .filter(({ job }) => job === "TORN")
      .map(({ state, attempt }) => `${state} ${attempt}`);
    expect([...new Set(states)]).toEqual(
      expect.arrayContaining(["running 1", "interrupted 1", "running 2", "succeeded 2"]),
    );
    expect(states.filter((state) => state.startsWith("succeeded")).length).toBe(1);
    const { artifact, cached } = pruneResultSchema.parse(done.result);
    expect(cached).toBe(false);
    expect((await stat(fileURLToPath(artifact.url))).size).toBe(artifact.bytes);
    expect((await madeHere()).filter((name) => name.includes(".work-"))).toEqual([]);
  });
});

describe("a prune job that cannot be", () => {
  it.each([
    ["FRACTION", { fraction: 1.2 }, /options\.fraction/],
    ["ALIGN", { fraction: 0.3, align: 3 }, /options\.align/],
    ["NEWER", { fraction: 0.3, finetune: 5 }, /finetune/],
  ])("is rejected: %s", async (job, options, message) => {
    await observer.send(DEVICE, prune(job, options));
    expect((await observer.reach(job, "rejected")).reason).toMatchObject({
      code: "invalid",
      message: expect.stringMatching(message) as string,
    });
  });

  it("fails with the reason, which says what to do, and keeps nothing", async () => {
    const before = await madeHere();
    const shapes = await zeros("shapes.npy", [40, 3, 8, 8]);
    await observer.send(DEVICE, prune("SHAPES", { fraction: 0.3 }, { calibration: shapes }));
    expect((await observer.reach("SHAPES", "failed")).reason?.message).toMatch(/^shapes\.npy .*8/);
    const few = await zeros("few.npy", [20, 3, 32, 32]);
    await observer.send(DEVICE, prune("FEW", { fraction: 0.3 }, { calibration: few }));
    expect((await observer.reach("FEW", "failed")).reason).toMatchObject({
      code: "data-too-few",
      message: expect.stringMatching(/^few\.npy gives 20 images, too few .* give at least 32, better 1,000/) as string,
    });
    await observer.send(DEVICE, prune("CHANNELS", { fraction: 0.3, images: 40, mean: [0.5, 0.5] }));
    expect((await observer.reach("CHANNELS", "failed")).reason?.message).toMatch(/mean/);
    expect(await madeHere()).toEqual(before);
  });

  it("fails for a model that has nothing to prune", async () => {
    const b = new ModelBuilder();
    b.output(b.conv(b.input("image", ["batch", 3, 16, 16]), 3, 8), ["batch", 8, 16, 16]);
    const file = path.join(dir.path, "whole.onnx");
    await writeModel(b.build(), file);
    const whole: ModelArtifact = await artifactOf(file, "model");
    await observer.send(DEVICE, prune("NOTHING", { fraction: 0.3, images: 40 }, { model: whole }));
    expect((await observer.reach("NOTHING", "failed")).reason).toMatchObject({
      code: "nothing-to-prune",
      message: expect.stringMatching(
        /^whole\.onnx has no channels .*they are the model's output.*keep the model/,
      ) as string,
    });
  });
});
