import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import {
  encodeMessage,
  LAYERS_SCHEMA,
  layersDocument,
  sensitivityResultSchema,
  type Layers,
  type SensitivityReport,
} from "@edgewatt/protocol";
import { systemClock } from "@edgewatt/runtime";
import { tempDir, type TempDir } from "@edgewatt/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ArtifactCache } from "../../src/artifacts/cache.ts";
import { ArtifactStore } from "../../src/artifacts/store.ts";
import { toldResult } from "../../src/operations/told-result.ts";

const context = { signal: new AbortController().signal };

let dir: TempDir;
let store: ArtifactStore;
beforeEach(async () => {
  dir = await tempDir();
  store = new ArtifactStore(await ArtifactCache.open(path.join(dir.path, "cache"), 1e9), systemClock);
});
afterEach(() => dir[Symbol.asyncDispose]());

function documentOf(layers: number): Layers {
  const third = 1 / 3;
  const report: SensitivityReport = {
    format: "s8s8",
    params: 1000,
    macs: 1e6,
    layers: Array.from({ length: layers }, (_, index) => ({
      index,
      name: `/features/features.${index}/block/conv.${index}/conv.${index}.1/Conv`,
      op: "Conv",
      params: 1000 + index,
      weightsPct: (100 * third) / layers,
      macs: 1e6 * third,
      macsPct: third,
      timePct: third,
      floatTimePct: third,
      sqnrDb: 30 + third,
      agreement: third,
      accuracyDropPt: third / 10,
      reason: null,
    })),
    time: {
      int8: { otherPct: 1, totalMs: 1, runs: 200 },
      float: { otherPct: 1, totalMs: 2, runs: 200 },
      threads: 3,
      batch: 1,
    },
    calibration: { kind: "synthetic", images: 256 },
    evaluation: { kind: "synthetic", images: 1000, heldBack: true, accuracyPct: null },
    wallS: 100,
    peakMemoryMb: 500,
  };
  const energy = (grossMj: number) => ({ grossMj, grossHalfWidth95: 0.1, windows: 3, windowS: 2, run: "J/0" });
  return layersDocument(report, {
    created: "2026-11-01T00:00:00.000Z",
    device: "pi-1",
    model: "deep",
    energy: { source: "ina219", int8: energy(1.5), float: energy(4.5) },
    flags: [],
  });
}

const told = (whole: Layers) =>
  toldResult(
    whole,
    { name: "deep-layers.json", summarize: (all) => ({ ...all, layers: [] }), upload: undefined },
    { store },
    context,
  );

function inState(result: Record<string, unknown>): string {
  const at = { ts: 1, startedAt: 1, endedAt: 2, boot: 1, attempt: 1, progress: 1 };
  return encodeMessage("jobState", { v: 1, job: "J", op: "sensitivity", rev: 1, state: "succeeded", ...at, result });
}

describe("the result that a job's state tells", () => {
  it("is the whole one where a message holds it", async () => {
    const whole = documentOf(100);
    expect(await told(whole)).toBe(whole);
  });

  it("is a summary that names the whole one as a file where no message holds it", async () => {
    const whole = documentOf(600);
    expect(() => inState(whole)).toThrow(/over the limit/);
    const summary = await told(whole);
    expect(inState(summary).length).toBeLessThan(3000);
    const { schema, model, layers, energy, full } = sensitivityResultSchema.parse(summary);
    expect({ schema, model, layers, energy }).toEqual({
      schema: LAYERS_SCHEMA,
      model: "deep",
      layers: [],
      energy: whole.energy,
    });
    const text = await readFile(fileURLToPath(full?.url ?? ""));
    expect(full).toMatchObject({
      kind: "result",
      name: "deep-layers.json",
      bytes: text.length,
      sha256: createHash("sha256").update(text).digest("hex"),
    });
    expect(JSON.parse(text.toString())).toEqual(whole);
  });
});
