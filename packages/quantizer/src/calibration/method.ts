/** How the range of one tensor is chosen from its values. */
export const THRESHOLD_METHODS = ["minmax", "moving-average", "percentile", "entropy", "mse", "sqnr"] as const;

export type ThresholdMethod = (typeof THRESHOLD_METHODS)[number];

/** `auto` takes for each tensor the method whose range gives the smallest mean squared error of quantization. */
export const CALIBRATION_METHODS = [...THRESHOLD_METHODS, "auto"] as const;

export type CalibrationMethod = (typeof CALIBRATION_METHODS)[number];

/** What the percentile method keeps, in percent, unless told: the default of onnxruntime, TensorRT's toolkit and Neural Compressor. */
export const DEFAULT_PERCENTILE = 99.999;
