/** How a core is made busy in steps. */
export interface LoadSteps {
  readonly count: number;
  readonly onMs: number;
  readonly restMs: number;
  /** By how much each rest is longer than the one before. */
  readonly longerMs: number;
}

export type ToLoad = { readonly type: "step" } & LoadSteps;

/** Edges of the steps, CLOCK_MONOTONIC in µs. */
export interface FromLoad {
  readonly type: "stepped";
  readonly onUs: Float64Array;
  readonly offUs: Float64Array;
}
