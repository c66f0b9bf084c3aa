/** What is asked of an int8 model; all that is named must hold. */
export interface SearchTarget {
  /** Accuracy that may be lost, in percentage points. Without labels the share of images with another largest output stands for it: it can only be larger. */
  readonly accuracyDropPt?: number;
  /** Signal-to-quantization-noise of the outputs, at least. */
  readonly sqnrDb?: number;
}
