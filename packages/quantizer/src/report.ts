import type { DataKind } from "@edgewatt/onnx";
import type { CalibrationMethod } from "./calibration/method.ts";
import type { FloatNode } from "./int8/float-node.ts";
import type { QuantizationFormat } from "./int8/format.ts";
import type { Technique } from "./improve/techniques.ts";
import type { SearchResult, SearchTry } from "./improve/search.ts";
import type { ParityMode } from "./recipe.ts";

/** Signal-to-noise of one layer's output in the int8 model, noise of the layers before it included. */
export interface LayerReport {
  readonly name: string;
  readonly op: string;
  /** Null where the layer's output is constant. */
  readonly sqnrDb: number | null;
  /** Estimated multiply-accumulates for one image; null for operators without weights. */
  readonly macs: number | null;
}

/** What the ranges were found on. */
export interface CalibrationReport {
  readonly kind: DataKind;
  readonly name: string;
  readonly images: number;
}

/** What a search for a target tried, in order, and on what. */
export interface SearchReport {
  /** False where nothing reached the target, so that the best of all was written. */
  readonly reached: boolean;
  readonly tries: readonly SearchTry[];
  /** Index in `tries` of what was written. */
  readonly chosen: number;
  readonly evaluation: SearchResult["evaluation"];
}

export function searchReport({ reached, tries, best, evaluation }: SearchResult): SearchReport {
  return { reached, tries, chosen: tries.indexOf(best), evaluation };
}

/** Whether a format that was not written would run in int8, judged by its rule on this machine. */
export interface FormatCheck {
  readonly format: QuantizationFormat;
  readonly quantized: number;
  /** Null where a Conv, Gemm or MatMul would not fuse; `problem` names it then. */
  readonly fused: number | null;
  readonly problem: string | null;
}

/** What `quantize` did; its fields are those of the `--json` document of `edgewatt quantize --local`. */
export interface QuantizeReport {
  readonly in: string;
  readonly out: string;
  readonly format: QuantizationFormat;
  readonly perChannel: boolean;
  readonly reducedRange: boolean;
  readonly method: CalibrationMethod;
  readonly techniques: readonly Technique[];
  readonly parity: ParityMode | null;
  /** File sizes, external data included. */
  readonly bytes: { readonly float: number; readonly int8: number };
  /** `quantized`: nodes that were given int8 inputs and outputs; `fused`: how many of them ONNX Runtime runs in int8. */
  readonly nodes: { readonly quantized: number; readonly fused: number; readonly float: readonly FloatNode[] };
  /** Signal-to-quantization-noise of the model's outputs; null where it cannot be computed. */
  readonly sqnrDb: number | null;
  /** Share of images (0..1) whose largest output is the same in float and int8; null where the output is no class vector. */
  readonly agreement: number | null;
  /** Estimated multiply-accumulates of all Conv, ConvTranspose, Gemm and MatMul for one image, in float or int8; null without calibration data. */
  readonly macs: number | null;
  readonly layers: readonly LayerReport[];
  readonly calibration: CalibrationReport;
  /** Null unless a target was searched for. */
  readonly search: SearchReport | null;
  /** What signal-to-noise and agreement were measured on: images after the calibration ones, or the same where there are no more. */
  readonly verification: {
    readonly images: number;
    readonly heldBack: boolean;
    /** Null unless `verify` asked for it. */
    readonly otherFormat: FormatCheck | null;
  };
  readonly wallS: number;
  /** Highest resident memory of the process so far, 10^6 bytes. */
  readonly peakMemoryMb: number;
}
