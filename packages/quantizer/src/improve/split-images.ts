import type { DataSource } from "@edgewatt/onnx";

/** Consecutive images of a source. */
export interface ImageRange {
  readonly first: number;
  readonly count: number;
}

/** Calibration images that a technique learns from, and others that tell whether what it learned helps. */
export interface ImageSplit {
  readonly fit: ImageRange;
  readonly judge: ImageRange;
  /** False where there are too few images, so that both ranges are the same. */
  readonly heldOut: boolean;
}

/** Splits the calibration images into two halves of at most `most` each, in whole batches of the model. */
export function splitImages(source: DataSource, batch: number, most: number): ImageSplit {
  const half = Math.floor(Math.min(source.count / 2, Math.max(most, batch)) / batch) * batch;
  if (half === 0) {
    const all = { first: 0, count: source.count };
    return { fit: all, judge: all, heldOut: false };
  }
  return { fit: { first: 0, count: half }, judge: { first: half, count: half }, heldOut: true };
}
