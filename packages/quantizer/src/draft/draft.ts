import type { Graph, ModelProto } from "@edgewatt/onnx";
import type { CalibrationMethod } from "../calibration/method.ts";
import type { QuantizationFormat } from "../int8/format.ts";
import type { OpenedInt8, QuantizedNode } from "../int8/fusion.ts";
import type { Technique } from "../improve/techniques.ts";
import type { SearchResult } from "../improve/search.ts";
import type { KeptOutputs } from "../quality/expected-outputs.ts";
import type { FloatNode } from "../int8/float-node.ts";
import type { CalibrationReport } from "../report.ts";

/** An int8 model in memory, and what is known of how it came about; nothing is written or checked yet. */
export interface Draft {
  /** The float graph that the int8 one computes the same as, under the same tensor names. */
  readonly float: Graph;
  /** Its outputs for the images that the models are compared on, as far as they are known already. */
  readonly floatOutputs?: KeptOutputs | undefined;
  readonly quantized: readonly QuantizedNode[];
  readonly leftInFloat: readonly FloatNode[];
  readonly int8: DraftModel;
  /** The same in the other format, without calibrating again. */
  otherFormat(): Promise<DraftModel>;
  readonly perChannel: boolean;
  readonly reducedRange: boolean;
  readonly calibration: CalibrationReport;
  readonly method: CalibrationMethod;
  readonly techniques: readonly Technique[];
  readonly search: SearchResult | null;
}

export interface DraftModel {
  readonly format: QuantizationFormat;
  readonly model: ModelProto;
  readonly quantized: number;
  /** For each quantized tensor the name under which the int8 model has its dequantized value. */
  readonly dequantized: ReadonlyMap<string, string>;
  /** Opens the written file, and throws where it does not run in int8 as promised. */
  open(path: string): Promise<OpenedInt8>;
}

export function otherThan(format: QuantizationFormat): QuantizationFormat {
  return format === "u8s8" ? "s8s8" : "u8s8";
}
