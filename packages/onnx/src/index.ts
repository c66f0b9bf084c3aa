export {
  CanceledError,
  DataError,
  firstLineOf,
  ModelError,
  OnnxError,
  throwIfCanceled,
  type OnnxErrorDetails,
} from "./errors.ts";
export {
  externalFiles,
  findModel,
  modelFileBytes,
  type ModelFile,
  type ModelOnDisk,
  parseModel,
  readModel,
} from "./reader.ts";
export {
  LARGEST_INLINE_BYTES,
  serializeModel,
  stageModel,
  writeModel,
  type StagedModel,
  type WriteModelOptions,
} from "./writer.ts";
export { deriveModels, type DerivedModels } from "./derived.ts";
export { collectGarbage, keepHeapSmall } from "./garbage.ts";
export { spillWeights, type SpilledWeights } from "./spilled-weights.ts";
export { declareInput } from "./declare-input.ts";
export { fixInputSides } from "./fix-input-sides.ts";
export { inferTypes } from "./infer-types.ts";
export { digestModel } from "./digest.ts";
export { deriveModel, deriveNode, Graph, makeNode, makeOutput } from "./graph.ts";
export { findAttribute, floatAttribute, intAttribute, setAttribute, type AttributeValue } from "./attributes.ts";
export { dimsOf, elementCount, makeTensor, readFloats, readIntegers } from "./tensor.ts";
export { DataType } from "./data-type.ts";
export type { ModelProto, NodeProto, TensorProto } from "./proto.ts";
export { liftConstants } from "./constants.ts";
export { removeIdentities } from "./identities.ts";
export { foldBatchNorm, foldChannelArithmetic } from "./fold/fold-batch-norm.ts";
export { raiseOpset, RAISED_OPSET, type OpsetRaise } from "./opset/raise.ts";
export { estimateMacs, probeCosts, type CostProbe, type NodeCost } from "./macs.ts";
export { convChannels, type ConvChannels } from "./conv-channels.ts";
export { countParameters } from "./params.ts";
export { describeInputs } from "./describe-inputs.ts";
export { describeModel, type ModelDescription } from "./describe.ts";
export {
  openSession,
  type OpenSessionOptions,
  type Session,
  type TensorValue,
  type ValueDescription,
} from "./session.ts";
export { profileModel, type KernelTime, type ModelProfile, type ProfileOptions } from "./profile.ts";
export { openCalibration } from "./data/open.ts";
export { openCifar } from "./data/cifar.ts";
export { packImages } from "./data/pack-images.ts";
export type { BatchRequest, DataBatch, DataKind, DataOptions, DataSource } from "./data/source.ts";
export { fittingBatches, fixedBatch } from "./data/batches.ts";
export { copyGraph, subModel } from "./sub-model.ts";
export { ChannelMeter, measureChannels, type ChannelStatistics } from "./channel-statistics.ts";
export { checkOutput } from "./output-file.ts";
export { peakMemoryBytes } from "./peak-memory.ts";
export { nameNodes } from "./node-names.ts";
export { normalizeGemm } from "./normalize-gemm.ts";
