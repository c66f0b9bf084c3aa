import type { QuantizeRecipe, QuantizeReport, SensitivityRecipe, SensitivityReport } from "@edgewatt/protocol";
import type { Feeds } from "../runner/messages.ts";

/** Where images come from: a CIFAR file or an array, or generated ones. */
export interface ImageSource {
  /** A path, or `synthetic`. */
  readonly what: string;
  readonly seed: number;
  readonly mean: readonly number[] | undefined;
  readonly std: readonly number[] | undefined;
}

export interface InspectRequest {
  readonly modelPath: string;
  readonly source: ImageSource;
  /** How many inputs to prepare. */
  readonly images: number;
}

export interface QuantizeRequest {
  readonly input: string;
  readonly output: string;
  readonly source: ImageSource;
  readonly images: number;
  readonly recipe: QuantizeRecipe;
}

export interface SensitivityRequest {
  readonly input: string;
  readonly source: ImageSource;
  readonly images: number;
  /** A path; without it, images that follow the calibration images are used. */
  readonly evaluation: string | undefined;
  readonly evaluationImages: number;
  readonly recipe: SensitivityRecipe;
  /** Threads while time is measured. */
  readonly threads: number;
}

export interface Inspected {
  readonly type: "inspected";
  /** Learned parameters of the model as it is in the file. */
  readonly params: number;
  /** Whether it is an int8 model already. */
  readonly quantized: boolean;
  /** Whether the first side of every input is open, so that several images fit in one run. */
  readonly dynamicBatch: boolean;
  /** Inputs for the runner; none when the model takes no images. */
  readonly feeds: readonly Feeds[];
}

export interface Quantized {
  readonly type: "quantized";
  readonly report: QuantizeReport;
}

export interface Compared {
  readonly type: "compared";
  readonly report: SensitivityReport;
}

export type ToModelWorker =
  | ({ readonly type: "inspect" } & InspectRequest)
  | ({ readonly type: "quantize" } & QuantizeRequest)
  | ({ readonly type: "sensitivity" } & SensitivityRequest);

export type ModelReply = Inspected | Quantized | Compared;

export interface ModelProgress {
  readonly type: "progress";
  readonly step: "calibrate" | "quantize";
  readonly share: number;
}

export interface SensitivityProgress {
  readonly type: "sensitivityProgress";
  readonly step: "calibrate" | "profile" | "layers";
  readonly share: number;
}

export type ModelNote = ModelProgress | SensitivityProgress;

export type FromModelWorker =
  | ModelReply
  | ModelNote
  | { readonly type: "failed"; readonly code: string; readonly message: string };
