import { layersDocument, type Layers, type SensitivityReport } from "@edgewatt/protocol";

interface Options {
  readonly source?: "estimate" | "ina219" | null;
  readonly labels?: boolean;
  readonly names?: (index: number) => string;
}

/** A document of four layers of which the last is not quantized, figures made up for rendering only. */
export function studyLayers({ source = "estimate", labels = true, names }: Options = {}): Layers {
  const time = [40, 30, 20, 5];
  const report: SensitivityReport = {
    format: "s8s8",
    params: 1000,
    macs: 4e6,
    layers: [600, 300, 90, 10].map((params, index) => {
      const reason = index === 3 ? "its weights are computed at run time" : null;
      return {
        index,
        name: names?.(index) ?? `/block${index}/Conv`,
        op: index === 2 ? "Gemm" : "Conv",
        params,
        weightsPct: params / 10,
        macs: 1e6,
        macsPct: 25,
        timePct: time[index] ?? 0,
        floatTimePct: (time[index] ?? 0) - 1,
        sqnrDb: reason === null ? 40.25 + index : null,
        agreement: reason === null ? 0.998 : null,
        accuracyDropPt: reason === null && labels ? 0.1 * index : null,
        reason,
      };
    }),
    time: {
      int8: { otherPct: 5, totalMs: 2, runs: 200 },
      float: { otherPct: 9, totalMs: 5, runs: 200 },
      threads: 3,
      batch: 1,
    },
    calibration: { kind: "synthetic", images: 256 },
    evaluation: { kind: "cifar", images: 1000, heldBack: true, accuracyPct: labels ? 88.6 : null },
    wallS: 60,
    peakMemoryMb: 200,
  };
  const energy = (grossMj: number) => ({
    grossMj,
    grossHalfWidth95: grossMj / 50,
    windows: 3,
    windowS: 2,
    run: "job/0",
  });
  return layersDocument(report, {
    created: "2026-11-23T06:00:00.000Z",
    device: "pi-1",
    model: "mobilenetv1-cifar10-p00",
    energy: source === null ? { source, int8: null, float: null } : { source, int8: energy(10), float: energy(24) },
    flags: source === null ? ["power-missing: 3 of 3 windows: no reading before or after"] : [],
  });
}
