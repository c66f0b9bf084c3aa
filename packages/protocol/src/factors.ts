/** Levels of ONNX Runtime's rewriting of the graph (`GraphOptimizationLevel`). */
export const GRAPH_OPTIMIZATIONS = ["disabled", "basic", "extended", "all"] as const;
export type GraphOptimization = (typeof GRAPH_OPTIMIZATIONS)[number];

/** Of one row of a benchmark. */
export const MAX_WINDOWS = 100;
