export { faultModel } from "./model.ts";
export type { MemoryUse } from "./memory.ts";
export { type FaultRunOptions, type FaultRunResult, runFaults, type TrialResult } from "./run.ts";
export { faultTable, memoryTable } from "./table.ts";
