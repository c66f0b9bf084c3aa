export { quantize, type QuantizeOptions, type QuantizeProgress, type QuantizeStep } from "./quantize.ts";
export type { FloatNode, LayerReport, QuantizeReport } from "./report.ts";
export type { Calibration } from "./calibration/calibrate.ts";
export type { Range } from "./arithmetic.ts";
export { defaultFormat, needsReducedRange, QUANTIZATION_FORMATS, type QuantizationFormat } from "./format.ts";
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
