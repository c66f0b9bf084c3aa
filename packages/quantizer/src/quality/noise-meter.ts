import type { TensorValue } from "@edgewatt/onnx";

/** Sums the power of a signal and of its deviation. */
export class NoiseMeter {
  #signal = 0;
  #noise = 0;

  add(expected: TensorValue | undefined, found: TensorValue | undefined): void {
    if (!(expected?.data instanceof Float32Array) || !(found?.data instanceof Float32Array)) return;
    for (let index = 0; index < expected.data.length; index++) {
      const value = expected.data[index] as number;
      this.#signal += value * value;
      this.#noise += (value - (found.data[index] as number)) ** 2;
    }
  }

  /** Whether there was a signal, and no deviation from it at all. */
  get exact(): boolean {
    return this.#signal > 0 && this.#noise === 0;
  }

  /** 10 log10 of signal over noise; null where either is zero, so that no ratio exists. */
  decibels(): number | null {
    return this.#signal > 0 && this.#noise > 0 ? 10 * Math.log10(this.#signal / this.#noise) : null;
  }
}
