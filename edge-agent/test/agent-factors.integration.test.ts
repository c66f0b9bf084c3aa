import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { readModel, writeModel } from "@edgewatt/onnx";
import { benchmarkResultSchema, type BenchmarkOptions, type ModelArtifact, type Results } from "@edgewatt/protocol";
import {
  eventually,
  startBroker,
  tempDir,
  type SpawnedService,
  type TempDir,
  type TestBroker,
} from "@edgewatt/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { command, Observer, startAgent, zooModel, type Row } from "./agent-rig.ts";

const DEVICE = "pi-factors";
const REACH_MS = 45_000;
const TINY = {
  quick: true,
  spinning: false,
  strict: false,
  windows: 1,
  windowS: 0.3,
  idleS: 0.2,
  accuracyImages: 0,
} satisfies BenchmarkOptions;

let dir: TempDir;
let broker: TestBroker;
let agent: SpawnedService;
let observer: Observer;
let model: ModelArtifact;

beforeAll(async () => {
  dir = await tempDir();
  broker = await startBroker();
  observer = await Observer.connect(broker.url);
  await observer.playIngest(true);
  agent = await startAgent({ broker: broker.url, device: DEVICE, data: dir.path });
  model = await zooModel("mobilenetv1-cifar10-p40");
});
afterAll(async () => {
  await observer?.close();
  await agent?.stop("SIGKILL");
  await broker?.stop();
  await dir?.[Symbol.asyncDispose]();
});

async function measured(job: string, options: BenchmarkOptions): Promise<Results> {
  await observer.send(DEVICE, command(job, { entries: [{ model, precision: "fp32" }], options }));
  return benchmarkResultSchema.parse((await observer.reach(job, "succeeded")).result).results;
}

function windowsOf(job: string, count: number): Promise<Row[]> {
  return eventually(
    () => {
      const rows = observer.rows(DEVICE, "event").filter(({ columns }) => columns["run"] === `${job}/0`);
      expect(rows).toHaveLength(count);
      return rows;
    },
    { timeoutMs: REACH_MS },
  );
}

/** The same model with a first side that holds one image. */
async function withFixedBatch(): Promise<ModelArtifact> {
  const graph = await readModel(fileURLToPath(model.url));
  const type = graph.graph?.input[0]?.type?.value;
  const batch = type?.case === "tensorType" ? type.value.shape?.dim[0] : undefined;
  if (batch === undefined) throw new RangeError("the zoo's model has no input of a known shape");
  batch.value = { case: "dimValue", value: 1n };
  const file = path.join(dir.path, "fixed.onnx");
  const bytes = await writeModel(graph, file);
  const sha256 = createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
  return { ...model, name: "fixed", url: pathToFileURL(file).href, sha256, bytes };
}

describe("factors", () => {
  it("batch, graph optimization, threads and spinning are in the row, whose figures stay per image", async () => {
    const factors = { batch: 4, graphOptimization: "basic", threads: 1, spinning: true } as const;
    const { rows, method, devices } = await measured("BATCH", { ...TINY, ...factors });
    const [row] = rows;
    expect(row?.factors).toEqual(factors);
    expect(method).toMatchObject(factors);
    const [window] = await windowsOf("BATCH", 1);
    const text = String(window?.columns["text"]);
    const inferences = Number(/: (\d+) inferences of 4 images$/.exec(text)?.[1]);
    const windowMs = Number(window?.columns["timeEnd"]) - (window?.tUs ?? 0) / 1000;
    // The event's end is in whole milliseconds.
    expect(Math.abs((row?.imageMs ?? 0) * inferences * 4 - windowMs)).toBeLessThan(1.1);
    expect(row?.latencyMs.mean).toBeLessThanOrEqual((row?.imageMs ?? 0) * 1.000_001);
    expect(row?.latencyMs.mean).toBeGreaterThan((row?.imageMs ?? 0) * 0.5);
    const { maxMemoryMb = null, memoryBaselineMb = null, memorySessionMb = null, memoryModelMb = null } = row ?? {};
    expect(memorySessionMb).toBeGreaterThan(0);
    expect(memoryModelMb).toBeGreaterThan(0);
    expect(Number(memoryBaselineMb) + Number(memorySessionMb) + Number(memoryModelMb)).toBeCloseTo(
      Number(maxMemoryMb),
      9,
    );
    expect(row?.memoryPssMb).toBeGreaterThan(row?.memoryModelMb ?? Infinity);
    expect(row?.memoryPssMb).toBeLessThanOrEqual((row?.maxMemoryMb ?? 0) * 1.01);
    expect(devices[0]).toMatchObject({
      affinity: expect.stringMatching(/runner on|not pinned/) as string,
      lag: null,
      lagNote: "an estimate from processor time, ten times a second, cannot resolve it",
      observer: null,
      observerNote: expect.stringMatching(/^not measured in a quick run|^not asked for/) as string,
      power: { averagingMs: 100 },
    });
  });

  it("a batch is refused for a model that takes a fixed number of images, before anything is measured", async () => {
    const fixed = await withFixedBatch();
    const options = { ...TINY, batch: 2 };
    await observer.send(DEVICE, command("FIXED", { entries: [{ model: fixed, precision: "fp32" }], options }));
    const { reason } = await observer.reach("FIXED", "failed");
    expect(reason).toMatchObject({ code: "batch-fixed", message: expect.stringMatching(/^fixed takes/) as string });
    const steps = observer.states.filter(({ job }) => job === "FIXED").map(({ step }) => step);
    expect(steps).not.toContain("measure");
  });

  it("values that make no sense reject the job", async () => {
    const options = { ...TINY, graphOptimization: "most", batch: 0 };
    await observer.send(DEVICE, command("SENSE", { entries: [{ model, precision: "fp32" }], options }));
    const { reason } = await observer.reach("SENSE", "rejected");
    expect(reason?.message).toMatch(/graphOptimization/);
    expect(reason?.message).toMatch(/batch/);
  });
});

describe("repetition", () => {
  it("goes on while figures spread, for as many windows as are allowed, and says how far it came", async () => {
    const options = { ...TINY, windows: 2, maxWindows: 4, targetHalfWidthPct: 0.001 };
    const { rows, method } = await measured("SPREAD", options);
    expect(method).toMatchObject({ windows: 2, maxWindows: 4, targetHalfWidthPct: 0.001 });
    expect(rows[0]?.flags.join("; ")).toMatch(
      /precision-not-reached: gross energy ± [\d.]+ % after 4 windows, target ± 0\.001 %/,
    );
    await windowsOf("SPREAD", 4);
  });

  it("ends with the time budget after the first block at least, and says so", async () => {
    const options = { ...TINY, windows: 2, maxWindows: 50, targetHalfWidthPct: 0.001, budgetS: 5 };
    const { rows } = await measured("BUDGET", options);
    expect(rows[0]?.flags.join("; ")).toMatch(/when the time budget was used up/);
  });
});
