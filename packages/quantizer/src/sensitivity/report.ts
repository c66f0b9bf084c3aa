import type { DataKind } from "@edgewatt/onnx";
import type { QuantizationFormat } from "../int8/format.ts";

/** How important a layer is beside the others. Percentages are of the whole model; null where `reason` or the report says why. */
export interface LayerImportance {
  /** Position among the layers, from 0. */
  readonly index: number;
  readonly name: string;
  readonly op: string;
  /** Weights and biases after batch norms were folded. */
  readonly params: number;
  readonly weightsPct: number;
  /** Multiply-accumulate operations for one image, and their share of those of all layers. */
  readonly macs: number;
  readonly macsPct: number;
  /** Share of the kernel time of a run of the int8 model. */
  readonly timePct: number;
  /** The same of the float model. */
  readonly floatTimePct: number;
  /** Signal-to-quantization-noise of the model's outputs, with only this layer quantized; null also where there is no noise at all. */
  readonly sqnrDb: number | null;
  /** Share of images (0..1) whose class is the float model's, with only this layer quantized; null where the output is no class vector. */
  readonly agreement: number | null;
  /** Percentage points of accuracy that are lost with only this layer quantized; null without labels. */
  readonly accuracyDropPt: number | null;
  /** Why the layer is not quantized; null where it is. */
  readonly reason: string | null;
}

/** The kernels of a precision beside the layers, and what they add up to. */
export interface TimeSummary {
  /** Share of the kernels that belong to no layer: quantizing the input, pooling, changes of layout. */
  readonly otherPct: number;
  /** Time of all kernels of one run of one batch, in milliseconds. */
  readonly totalMs: number;
  readonly runs: number;
}

/** What `measureSensitivity` found. */
export interface SensitivityReport {
  readonly in: string;
  readonly format: QuantizationFormat;
  readonly perChannel: boolean;
  readonly reducedRange: boolean;
  readonly layers: readonly LayerImportance[];
  /** Parameters of the model after batch norms were folded. */
  readonly params: number;
  /** Multiply-accumulates of all layers for one image. */
  readonly macs: number;
  readonly time: {
    readonly int8: TimeSummary;
    readonly float: TimeSummary;
    /** Intra-operator threads; 0: one for each core. */
    readonly threads: number;
    readonly batch: number;
  };
  readonly calibration: { readonly kind: DataKind; readonly name: string; readonly images: number };
  /** What noise and accuracy were measured on; `heldBack`: calibration has not seen it. */
  readonly evaluation: {
    readonly kind: DataKind;
    readonly name: string;
    readonly images: number;
    readonly heldBack: boolean;
    /** Accuracy of the float model in percent; null without labels. */
    readonly accuracyPct: number | null;
  };
  readonly wallS: number;
  /** Highest resident memory of the process so far, 10^6 bytes. */
  readonly peakMemoryMb: number;
}
