import type { TensorValue } from "@edgewatt/onnx";
import { describe, expect, it } from "vitest";
import { OutputMeter } from "../../src/quality/output-meter.ts";

const outputs = [{ name: "scores" }, { name: "boxes" }];
const rows = (...data: number[]): TensorValue => ({
  type: "float32",
  dims: [data.length / 2, 2],
  data: Float32Array.from(data),
});
const volume = (...data: number[]): TensorValue => ({
  type: "float32",
  dims: [1, 1, 1, data.length],
  data: Float32Array.from(data),
});

describe("OutputMeter", () => {
  it("joins the noise of all outputs, and takes classes from the first", () => {
    const meter = new OutputMeter({ outputs });
    const expected = { scores: rows(1, 0, 0, 1), boxes: volume(3, 1) };
    meter.add(expected, { scores: rows(1, 0, 1, 0), boxes: volume(3, 1) }, Uint8Array.of(0, 1));
    // Signal 1 + 1 + 9 + 1, noise 1 + 1.
    expect(meter.closeness()).toEqual({
      sqnrDb: expect.closeTo(10 * Math.log10(12 / 2), 10) as number,
      exact: false,
      agreement: 0.5,
      accuracy: 0.5,
    });
  });

  it("tells outputs that are the same to the bit from those that cannot be compared", () => {
    const same = new OutputMeter({ outputs: [{ name: "boxes" }] });
    same.add({ boxes: volume(3, 1) }, { boxes: volume(3, 1) });
    expect(same.closeness()).toEqual({ sqnrDb: null, exact: true, agreement: null, accuracy: null });
    for (const found of [{}, { boxes: volume(Number.NaN, 1) }]) {
      const other = new OutputMeter({ outputs: [{ name: "boxes" }] });
      other.add({ boxes: volume(3, 1) }, found);
      expect(other.closeness()).toMatchObject({ sqnrDb: null, exact: false });
    }
  });
});
