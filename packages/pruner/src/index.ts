export { prune } from "./prune.ts";
export { checkImages, type PruneOptions, type PruneProgress, type PruneStep } from "./options.ts";
export type { LayerChannels, LeftLayer, PruneReport } from "./report.ts";
export { ALLOCATIONS, type Allocation } from "./choose/allocate.ts";
export { ALIGNMENTS, type Alignment } from "./choose/kept-count.ts";
export { CRITERIA, type Criterion } from "./choose/choose.ts";
export { PrunerError } from "./errors.ts";
