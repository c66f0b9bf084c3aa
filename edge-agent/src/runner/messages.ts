import type { GraphOptimization } from "@edgewatt/protocol";

/** A tensor as it crosses processes. */
export interface TensorData {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: Float32Array | BigInt64Array | Int32Array | Uint8Array;
}

export type Feeds = Readonly<Record<string, TensorData>>;

export interface LoadRequest {
  readonly modelPath: string;
  readonly threads: number;
  readonly spinning: boolean;
  readonly graphOptimization: GraphOptimization;
  /** Images per run. */
  readonly batch: number;
  /** Inputs of one image each that runs take in turn; without any a fixed pattern is used. */
  readonly feeds?: readonly Feeds[];
}

/** What a session is opened with, besides its model. */
export type SessionOptions = Pick<LoadRequest, "threads" | "spinning" | "graphOptimization">;

/** When a model counts as warm: enough runs and time, and the medians of two seconds in a row within a tolerance. */
export interface WarmUpRequest {
  readonly minRuns: number;
  readonly minS: number;
  readonly capS: number;
  /** Length of the stretches whose medians are compared; `null` = do not wait for a steady state. */
  readonly steadyS: number | null;
}

export interface WindowRequest {
  readonly windowS: number;
  readonly minRuns: number;
  /** Runs right before the window, which bring caches and clock back after the idle stretch. */
  readonly leadInRuns: number;
}

export interface AccuracyRequest {
  readonly path: string;
  readonly images: number;
  readonly mean: readonly number[] | undefined;
  readonly std: readonly number[] | undefined;
}

export type ToRunner =
  | ({ readonly type: "load" } & LoadRequest)
  | ({ readonly type: "warmUp" } & WarmUpRequest)
  | ({ readonly type: "window" } & WindowRequest)
  | { readonly type: "memory" }
  | ({ readonly type: "accuracy" } & AccuracyRequest);

export interface Loaded {
  readonly type: "loaded";
  readonly onnxruntime: string;
  /** Peak resident memory before the model was loaded, 10^6 bytes: Node.js with ONNX Runtime, and the inputs of the windows. */
  readonly baselineMb: number;
  readonly loadMs: number;
}

export interface Warm {
  readonly type: "warm";
  readonly runs: number;
  readonly seconds: number;
  readonly steady: boolean;
  readonly medianMs: number;
}

/** A measured window; times are CLOCK_MONOTONIC in µs. */
export interface WindowResult {
  readonly type: "window";
  readonly t0Us: number;
  readonly t1Us: number;
  /** Images in each run; 1 where nothing is said. */
  readonly batch?: number;
  /** Start of each run. */
  readonly startsUs: Float64Array;
  readonly latenciesMs: Float64Array;
  /** Time that garbage collection took inside the window. */
  readonly gcMs: number;
  /** VmHWM at the end of the window, 10^6 bytes. */
  readonly peakMb: number;
}

export interface Memory {
  readonly type: "memory";
  /** Proportional set size now, 10^6 bytes; `null` where the kernel does not tell. */
  readonly pssMb: number | null;
}

export interface Accuracy {
  readonly type: "accuracy";
  readonly correct: number;
  readonly images: number;
}

export type RunnerReply = Loaded | Warm | WindowResult | Memory | Accuracy;

/** Said while a request is worked on; between `windowStarts` and the window's result the child says nothing. */
export type RunnerNote = { readonly type: "windowStarts" } | { readonly type: "progress"; readonly share: number };

export type FromRunner =
  | RunnerReply
  | RunnerNote
  | { readonly type: "failed"; readonly code: string; readonly message: string };
