import { describe, expect, it } from "vitest";
import { modelArtifactSchema } from "../src/artifact.ts";
import { parseArguments } from "../src/codec.ts";
import { lineageSchema, type LineageStep } from "../src/lineage.ts";
import { pruneArgsSchema, prunedName, pruneResultSchema, totalPruning } from "../src/pruning.ts";

const MODEL = { kind: "model", name: "m", url: "file:///m.onnx", sha256: "a".repeat(64), bytes: 10 } as const;
const STEP: LineageStep = {
  op: "prune",
  from: { name: "m", sha256: MODEL.sha256 },
  fraction: 0.3,
  align: 16,
  by: "error",
  allocate: "uniform",
  calibration: { kind: "cifar", images: 1000, sha256: "b".repeat(64) },
  version: 1,
  created: "2026-11-26T08:00:00.000Z",
  device: "pi-1",
};

function args(options: Record<string, unknown>) {
  return { model: MODEL, calibration: { kind: "synthetic" }, options };
}

describe("arguments of prune", () => {
  it("need a fraction alone", () => {
    const { options } = parseArguments(pruneArgsSchema, args({ fraction: 0.3 }));
    expect(options).toEqual({ fraction: 0.3, align: 16, by: "error", allocate: "uniform", images: 1000 });
  });

  it.each([
    ["no fraction", {}, /options\.fraction/],
    ["all channels", { fraction: 1 }, /options\.fraction/],
    ["a negative fraction", { fraction: -0.1 }, /options\.fraction/],
    ["an alignment that no kernel has", { fraction: 0.3, align: 4 }, /options\.align/],
    ["an unknown criterion", { fraction: 0.3, by: "chance" }, /options\.by/],
    ["no images", { fraction: 0.3, images: 0 }, /options\.images/],
    ["a deviation of nothing", { fraction: 0.3, std: [0] }, /options\.std/],
    ["open sides", { fraction: 0.3, inputShape: [-1, 3] }, /options\.inputShape/],
    ["an option of a newer version", { fraction: 0.3, finetune: 5 }, /options: .*finetune/],
  ])("are refused with %s", (_what, options, message) => {
    expect(() => parseArguments(pruneArgsSchema, args(options))).toThrow(message);
  });
});

describe("a result of prune", () => {
  const report = {
    fraction: 0.3,
    align: 16,
    by: "error",
    allocate: "uniform",
    params: { before: 100, after: 60 },
    bytes: { before: 500, after: 320 },
    channels: [{ name: "conv", before: 64, after: 48 }],
    left: [{ name: "fc", reason: "the outputs of the model stay" }],
    calibration: { kind: "cifar", images: 1000 },
    wallS: 12,
    peakMemoryMb: 300,
  };

  it("names the model and where it comes from", () => {
    const artifact = { ...MODEL, params: 60, pruning: 0.3, fineTuneEpochs: 0, lineage: [STEP] };
    const result = pruneResultSchema.parse({ model: "m", artifact, report, cached: false });
    expect(result.artifact.lineage).toEqual([STEP]);
  });

  it("is refused with a lineage that cannot be", () => {
    for (const broken of [
      [{ ...STEP, from: { name: "m", sha256: "short" } }],
      [{ ...STEP, fraction: 2 }],
      [{ ...STEP, op: "magic" }],
      [{ ...STEP, created: "yesterday" }],
      "from m",
    ]) {
      expect(modelArtifactSchema.safeParse({ ...MODEL, lineage: broken }).success).toBe(false);
    }
    expect(lineageSchema.parse([STEP, { ...STEP, later: "fields are kept" }])[1]).toMatchObject({
      later: "fields are kept",
    });
  });
});

describe("names of pruned models", () => {
  const usual = { fraction: 0.3, align: 16, by: "error", allocate: "uniform" } as const;

  it.each([
    [usual, "m-pruned-30-align16"],
    [{ ...usual, fraction: 0.05, align: 1 as const }, "m-pruned-05-align1"],
    [{ ...usual, fraction: 0.29, by: "l1" as const }, "m-pruned-29-align16-l1"],
    [{ ...usual, fraction: 0.125, allocate: "error" as const }, "m-pruned-12.5-align16-allocate-error"],
  ])("say what was done", (options, name) => {
    expect(prunedName("m", options)).toBe(name);
  });

  it("are no longer than a name may be", () => {
    const name = prunedName("x".repeat(200), usual);
    expect(name).toHaveLength(200);
    expect(name).toMatch(/x-pruned-30-align16$/);
  });
});

describe("the pruning fraction", () => {
  it.each([
    [undefined, 0.3, 0.3],
    [null, 0.3, 0.3],
    [0, 0.3, 0.3],
    [0.1, 0, 0.1],
    [0.2, 0.5, 0.6],
  ])("of a model at %s that is pruned by %s is %s", (pruning, fraction, total) => {
    expect(totalPruning(pruning === undefined ? {} : { pruning }, fraction)).toBe(total);
  });
});
