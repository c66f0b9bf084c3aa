import { quantizeReportSchema } from "@edgewatt/protocol";
import { describe, expect, it } from "vitest";
import { reportRows } from "../../src/actions/quantize-report.ts";

/** As a device sends it. */
const report = quantizeReportSchema.parse({
  bytes: { float: 4_000_000, int8: 1_100_000 },
  nodes: { quantized: 8, fused: 8, float: [{ name: "/conv1", op: "Conv", reason: "chosen to stay in float" }] },
  macs: 17_100_000,
  sqnrDb: 38.3,
  agreement: 1,
  layers: [{ name: "/conv2", op: "Conv", sqnrDb: 31.25, macs: 500_000 }],
  format: "s8s8",
  method: "percentile",
  techniques: ["rounding"],
  parity: null,
  calibration: { kind: "cifar", images: 200 },
  search: {
    reached: false,
    chosen: 1,
    tries: [
      {
        configuration: { method: "minmax", techniques: [], floatNodes: [] },
        score: { sqnrDb: 30 },
        accuracyDropPt: 0.25,
        wallS: 1,
      },
      {
        configuration: { method: "percentile", techniques: ["rounding"], floatNodes: ["/conv1"] },
        score: { sqnrDb: null },
        accuracyDropPt: null,
        wallS: 2,
      },
    ],
    evaluation: { count: 2000, heldBack: true, labelled: true },
  },
  verification: { images: 64, heldBack: false },
  wallS: 3,
  peakMemoryMb: 150,
});

describe("the rows of a report from a device", () => {
  it("say how the model was made, that a search missed its target, and on what it was compared", () => {
    const rows = reportRows(report, { beforeLayers: [["Accuracy", "not measured"]] });
    expect(rows).toEqual([
      ["Size", "4.00 MB → 1.10 MB (27.5 %), 17.1 M multiply-accumulates per image (estimate)"],
      ["Nodes", "8 of 8 quantized ones run in int8"],
      ["  /conv1", "Conv stays in float: chosen to stay in float"],
      ["Calibration", "200 images (cifar), s8s8, percentile, rounding"],
      [
        "Search",
        expect.stringMatching(/^target NOT reached, the best of all was written; 2 tries on 2,000 images after/),
      ],
      ["  minmax", "30.0 dB, 0.25 pt lost, 1.0 s"],
      ["  → percentile, rounding, 1 layer in float", "no noise, 2.0 s"],
      ["Signal to noise", "38.3 dB on 64 images that calibration has seen too: nothing was held back"],
      ["Agreement", "100.0 %"],
      ["Accuracy", "not measured"],
      ["  /conv2", "Conv, 31.3 dB, 0.50 M MAC"],
    ]);
  });
});
