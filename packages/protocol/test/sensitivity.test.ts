import { describe, expect, it } from "vitest";
import {
  layersDocument,
  layersSchema,
  sensitivityArgsSchema,
  sensitivityReportSchema,
  type LayersOrigin,
  type SensitivityReport,
} from "../src/sensitivity.ts";

const report: SensitivityReport = sensitivityReportSchema.parse({
  format: "s8s8",
  params: 100,
  macs: 2000,
  layers: [
    { ...layer(0), timePct: 60, floatTimePct: 75 },
    {
      ...layer(1),
      timePct: 30,
      floatTimePct: 20,
      sqnrDb: null,
      agreement: null,
      reason: "its weights are not float32",
    },
  ],
  time: {
    int8: { otherPct: 10, totalMs: 1.5, runs: 200 },
    float: { otherPct: 5, totalMs: 4, runs: 200 },
    threads: 3,
    batch: 1,
  },
  calibration: { kind: "cifar", images: 256 },
  evaluation: { kind: "cifar", images: 1000, heldBack: true, accuracyPct: 88.5 },
  wallS: 12,
  peakMemoryMb: 180,
});

function layer(index: number) {
  const shares = { params: 50, weightsPct: 50, macs: 1000, macsPct: 50, timePct: 0, floatTimePct: 0 };
  return {
    index,
    name: `conv${index}`,
    op: "Conv",
    ...shares,
    sqnrDb: 41,
    agreement: 1,
    accuracyDropPt: 0.1,
    reason: null,
  };
}

const origin: LayersOrigin = {
  created: "2026-11-23T06:00:00.000Z",
  device: "pi-1",
  model: "m",
  energy: {
    source: "ina219",
    int8: { grossMj: 20, grossHalfWidth95: 1, windows: 3, windowS: 2, run: "job/1" },
    float: { grossMj: 40, grossHalfWidth95: null, windows: 3, windowS: 2, run: "job/0" },
  },
  flags: ["meter-fault: overflow"],
};

describe("layersDocument", () => {
  it("apportions the energy of each precision by the layers' share of its time", () => {
    const { layers } = layersSchema.parse(layersDocument(report, origin));
    expect(layers.map(({ energyPct, energyMj, floatEnergyMj }) => [energyPct, energyMj, floatEnergyMj])).toEqual([
      [60, 12, 30],
      [30, 6, 8],
    ]);
  });

  it("leaves an energy blank that is not known", () => {
    const energy = { ...origin.energy, int8: null };
    const { layers } = layersDocument(report, { ...origin, energy });
    expect(layers[0]).toMatchObject({ timePct: 60, energyPct: null, energyMj: null, floatEnergyMj: 30 });
  });

  it("says what a reader must know", () => {
    expect(layersDocument(report, origin).flags).toEqual([
      "meter-fault: overflow",
      "float: conv1 is not quantized: its weights are not float32",
    ]);
    const calibration = { kind: "synthetic", images: 16 };
    const evaluation = { kind: "synthetic", images: 16, heldBack: false, accuracyPct: null };
    const { flags } = layersDocument({ ...report, calibration, evaluation, layers: [] }, { ...origin, flags: [] });
    expect(flags.map((flag) => flag.split(":")[0])).toEqual(["calibration", "evaluation", "evaluation", "accuracy"]);
  });
});

describe("arguments of a sensitivity job", () => {
  const model = { kind: "model", name: "m", url: "file:///m.onnx", sha256: "0".repeat(64), bytes: 1 };
  const args = (options: object) => ({ model, calibration: { kind: "synthetic" }, options });

  it("have defaults for all options", () => {
    expect(sensitivityArgsSchema.parse(args({})).options).toEqual({ images: 256, evaluationImages: 1000, windows: 3 });
  });

  it.each([{ evaluationImages: 0 }, { windows: -1 }, { windows: 21 }, { threads: 0 }, { format: "u8u8" }])(
    "refuse %o",
    (options) => {
      expect(sensitivityArgsSchema.safeParse(args(options)).success).toBe(false);
    },
  );
});
