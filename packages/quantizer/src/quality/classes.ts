import type { TensorValue } from "@edgewatt/onnx";

/** Counts rows of a [batch, classes] output whose largest entry is at the same place. */
export class AgreementMeter {
  #rows = 0;
  #same = 0;

  add(expected: TensorValue | undefined, found: TensorValue | undefined): void {
    const classes = expected?.dims[1];
    if (expected?.dims.length !== 2 || classes === undefined || classes < 2) return;
    if (!(expected.data instanceof Float32Array) || !(found?.data instanceof Float32Array)) return;
    for (let start = 0; start < expected.data.length; start += classes) {
      this.#rows++;
      if (largestIndex(expected.data, start, classes) === largestIndex(found.data, start, classes)) this.#same++;
    }
  }

  share(): number | null {
    return this.#rows === 0 ? null : this.#same / this.#rows;
  }
}

/** Counts rows of a [batch, classes] output whose largest entry is at the label's place. */
export class AccuracyMeter {
  #rows = 0;
  #right = 0;

  add(scores: TensorValue | undefined, labels: Uint8Array | undefined): void {
    const classes = scores?.dims[1];
    if (scores?.dims.length !== 2 || classes === undefined || classes < 2 || labels === undefined) return;
    if (!(scores.data instanceof Float32Array)) return;
    for (let row = 0; row < labels.length; row++) {
      this.#rows++;
      if (largestIndex(scores.data, row * classes, classes) === labels[row]) this.#right++;
    }
  }

  /** Share of rows (0..1); null where nothing could be counted. */
  share(): number | null {
    return this.#rows === 0 ? null : this.#right / this.#rows;
  }
}

function largestIndex(values: Float32Array, start: number, length: number): number {
  let best = 0;
  for (let index = 1; index < length; index++) {
    if ((values[start + index] as number) > (values[start + best] as number)) best = index;
  }
  return best;
}
