import type { ConvChannels } from "@edgewatt/onnx";
import type {
  PruneOptions,
  PruneReport,
  QuantizeRecipe,
  QuantizeReport,
  SensitivityRecipe,
  SensitivityReport,
} from "@edgewatt/protocol";
import type { Feeds } from "../runner/messages.ts";
import type { ModelProgress } from "./progress.ts";

/** Where images come from: a CIFAR file or an array, or generated ones. */
export interface ImageSource {
  /** A path, or `synthetic`. */
  readonly what: string;
  readonly seed: number;
  readonly mean: readonly number[] | undefined;
  readonly std: readonly number[] | undefined;
  /** The input's sides, where the model leaves them open. */
  readonly inputShape?: readonly number[] | undefined;
}

export interface InspectRequest {
  readonly modelPath: string;
  readonly source: ImageSource;
  /** How many inputs to prepare. */
  readonly images: number;
}

/** What every model is made out of: another one, and images. */
export interface MakeRequest {
  /** The model's file. */
  readonly input: string;
  readonly source: ImageSource;
  readonly images: number;
}

export interface QuantizeRequest extends MakeRequest {
  readonly recipe: QuantizeRecipe;
}

export interface PruneRequest extends MakeRequest {
  readonly recipe: Pick<PruneOptions, "fraction" | "align" | "by" | "allocate">;
}

/** A request with the place where the file belongs. */
export type To<Q extends MakeRequest> = Q & { readonly output: string };

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
  readonly convs: readonly ConvChannels[];
  /** Inputs for the runner; none when the model takes no images. */
  readonly feeds: readonly Feeds[];
}

export interface Quantized {
  readonly type: "quantized";
  readonly report: QuantizeReport;
}

export interface Pruned {
  readonly type: "pruned";
  readonly report: PruneReport;
}

export interface Compared {
  readonly type: "compared";
  readonly report: SensitivityReport;
}

export type ToModelWorker =
  | ({ readonly type: "inspect" } & InspectRequest)
  | ({ readonly type: "quantize" } & To<QuantizeRequest>)
  | ({ readonly type: "prune" } & To<PruneRequest>)
  | ({ readonly type: "sensitivity" } & SensitivityRequest);

export type ModelReply = Inspected | Quantized | Pruned | Compared;

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
