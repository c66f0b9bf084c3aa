export { quantize } from "./quantize.ts";
export type { QuantizeOptions, QuantizeProgress, QuantizeStep } from "./options.ts";
export { PARITY_MODES, type ParityMode, QUANTIZER_VERSION, type Recipe, recipeConflicts } from "./recipe.ts";
export type { FloatNode } from "./int8/float-node.ts";
export type { LayerReport, QuantizeReport, SearchReport } from "./report.ts";
export { CALIBRATION_METHODS, type CalibrationMethod } from "./calibration/method.ts";
export { TECHNIQUES, type Technique } from "./improve/techniques.ts";
export type { Configuration, SearchTry } from "./improve/search.ts";
export type { SearchTarget } from "./improve/search-target.ts";
export { defaultFormat, needsReducedRange, QUANTIZATION_FORMATS, type QuantizationFormat } from "./int8/format.ts";
export { QuantizerError } from "./errors.ts";
export {
  measureSensitivity,
  type SensitivityOptions,
  type SensitivityProgress,
  type SensitivityStep,
} from "./sensitivity/measure.ts";
export type { LayerImportance, SensitivityReport, TimeSummary } from "./sensitivity/report.ts";
// What a caller needs beside `quantize`, so that this package is enough by itself: the model's inputs, calibration data, and the errors.
export {
  CanceledError,
  DataError,
  describeInputs,
  describeModel,
  type BatchRequest,
  type DataBatch,
  type DataKind,
  type DataOptions,
  type DataSource,
  ModelError,
  type ModelDescription,
  OnnxError,
  openCalibration,
  openCifar,
  type TensorValue,
  type ValueDescription,
} from "@edgewatt/onnx";
