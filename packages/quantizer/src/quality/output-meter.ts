import { AccuracyMeter, AgreementMeter } from "./classes.ts";
import type { Outputs } from "./expected-outputs.ts";
import { NoiseMeter } from "./noise-meter.ts";

/** How close the outputs of one model are to those of another. */
export interface Closeness {
  /** Signal-to-quantization-noise of all outputs; null where no ratio exists. */
  readonly sqnrDb: number | null;
  /** Whether all outputs are the same to the bit. */
  readonly exact: boolean;
  /** Share of images (0..1) with the same largest output; null where the first output is no class vector. */
  readonly agreement: number | null;
  /** Share of images (0..1) that the second model gets right; null without labels. */
  readonly accuracy: number | null;
}

/** Compares all outputs of an int8 model with the float model's, batch by batch; classes are those of the first output. */
export class OutputMeter {
  readonly #classOutput: string;
  readonly #noise = new NoiseMeter();
  readonly #agreement = new AgreementMeter();
  readonly #accuracy = new AccuracyMeter();

  constructor({ outputs }: { readonly outputs: readonly { readonly name: string }[] }) {
    this.#classOutput = outputs[0]?.name ?? "";
  }

  add(expected: Outputs, found: Outputs, labels?: Uint8Array): void {
    for (const [name, value] of Object.entries(expected)) this.#noise.add(value, found[name]);
    this.#agreement.add(expected[this.#classOutput], found[this.#classOutput]);
    this.#accuracy.add(found[this.#classOutput], labels);
  }

  closeness(): Closeness {
    return {
      sqnrDb: this.#noise.decibels(),
      exact: this.#noise.exact,
      agreement: this.#agreement.share(),
      accuracy: this.#accuracy.share(),
    };
  }
}
