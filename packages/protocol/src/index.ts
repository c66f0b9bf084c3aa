export { DecodeError, EdgewattError, type ErrorDetails } from "./errors.ts";
export {
  DEVICE_ID,
  INSTANCE_ID,
  isDeviceId,
  JOB_ID,
  OPERATIONS,
  SERVICES,
  SHA256,
  STREAMS,
  type Operation,
  type ServiceName,
  type Stream,
} from "./names.ts";
export { formatTopic, parseTopic, topicFilter, type Topic, type TopicKind } from "./topics.ts";
export { MESSAGE_VERSION } from "./message-version.ts";
export { artifactSchema, modelArtifactSchema, type Artifact, type ModelArtifact } from "./artifact.ts";
export type { Catalogue, CatalogueModel } from "./catalogue.ts";
export type { ChannelBlock, RowChannels } from "./channels.ts";
export { inconsistencies } from "./consistency.ts";
export { describeSource, isModelled, MODELLED_SOURCES, POWER_SOURCES, type PowerSource } from "./power-sources.ts";
export { pipelineFiguresSchema, type PipelineFigures } from "./pipeline.ts";
export {
  type DeviceFault,
  type DeviceInfo,
  type DeviceStatus,
  type PowerChannel,
  type ServiceStatus,
} from "./presence.ts";
export type { GraphOptimization } from "./factors.ts";
export { DEFAULT_EXPIRY_MS, DEFAULT_TIMEOUT_S, MAX_ENTRIES, MAX_QUEUED_JOBS } from "./job-limits.ts";
export {
  ACCURACY_IMAGES,
  benchmarkArguments,
  type JobInputs,
  QUICK_ACCURACY_IMAGES,
  quantizeArguments,
} from "./job-arguments.ts";
export { cancellationOf, newCommand } from "./new-command.ts";
export { runStateOf, type RunStateName } from "./run-state.ts";
export { isTerminal, JOB_STATES, mayFollow, type JobStateName } from "./job-states.ts";
export { isOlderConnection, newestStatus, presenceOf, STALE_AFTER_MS, type Presence } from "./liveness.ts";
export {
  MAX_TELEMETRY_BYTES,
  type Ack,
  type Channel,
  type Column,
  type LiveSample,
  type TelemetryBatch,
} from "./telemetry.ts";
export {
  benchmarkArgsSchema,
  benchmarkOptionsSchema,
  benchmarkResultSchema,
  calibrationSchema,
  JOB_STEPS,
  quantizeArgsSchema,
  quantizeOptionsSchema,
  quantizeRecipeSchema,
  quantizeReportSchema,
  quantizeResultSchema,
  type BenchmarkArgs,
  type BenchmarkOptions,
  type BenchmarkResult,
  type Calibration,
  type Command,
  type JobEvent,
  type JobState,
  type QuantizeArgs,
  type QuantizeOptions,
  type QuantizeRecipe,
  type QuantizeReport,
  type QuantizeResult,
  type Run,
} from "./jobs.ts";
export {
  LAYERS_SCHEMA,
  layersDocument,
  layersSchema,
  sensitivityArgsSchema,
  sensitivityOptionsSchema,
  sensitivityRecipeSchema,
  sensitivityReportSchema,
  sensitivityResultSchema,
  type Layers,
  type LayersOrigin,
  type ModelEnergy,
  type SensitivityArgs,
  type SensitivityOptions,
  type SensitivityRecipe,
  type SensitivityReport,
  type SensitivityResult,
} from "./sensitivity.ts";
export { lineageSchema, lineageStepSchema, type Lineage, type LineageStep } from "./lineage.ts";
export {
  pruneArgsSchema,
  prunedName,
  pruneOptionsSchema,
  pruneReportSchema,
  pruneResultSchema,
  totalPruning,
  type PruneArgs,
  type PruneOptions,
  type PruneReport,
  type PruneResult,
} from "./pruning.ts";
export type { Study } from "./study.ts";
export type { EnrollRequest, EnrollResponse } from "./enrolment.ts";
export { counted, plural } from "./counted.ts";
export { lagSchema, observerEffectSchema, type Lag, type ObserverEffect } from "./meter-facts.ts";
export {
  precisionSchema,
  RESULTS_SCHEMA,
  resultsSchema,
  type Precision,
  type ResultDevice,
  type ResultMethod,
  type Comparison,
  type ResultRow,
  type Results,
} from "./results.ts";
export {
  MEASUREMENTS,
  measurementOf,
  type Aggregate,
  type Field,
  type FieldType,
  type Measurement,
  type Tag,
  type Unit,
} from "./metrics.ts";
export {
  decodeMessage,
  describeIssues,
  encodeMessage,
  MAX_MESSAGE_BYTES,
  parseArguments,
  readBatchNumbers,
  type MessageOf,
} from "./codec.ts";
export { supersedes } from "./supersedes.ts";
