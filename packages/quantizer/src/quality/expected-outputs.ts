import type { Session, TensorValue } from "@edgewatt/onnx";

export type Outputs = Readonly<Record<string, TensorValue>>;

/** 16 MB. */
const MOST_VALUES = 2 ** 22;

/** What a model gives for the batches of a range of images, as far as it takes no more than 16 MB. */
export class KeptOutputs {
  readonly #outputs = new Map<number, Outputs>();
  #values = 0;

  /** @param offset of the batch's first image in the range */
  keep(offset: number, outputs: Outputs): void {
    const values = Object.values(outputs).reduce((sum, { data }) => sum + data.length, 0);
    if (this.#values + values > MOST_VALUES) return;
    this.#values += values;
    this.#outputs.set(offset, outputs);
  }

  at(offset: number): Outputs | undefined {
    return this.#outputs.get(offset);
  }
}

/** The outputs of the float model for a range of images, which is gone through in the same batches each time; it runs only where they were not kept. */
export class ExpectedOutputs implements AsyncDisposable {
  readonly #open: () => Promise<Session>;
  readonly #kept: KeptOutputs;
  #session: Session | undefined;

  /** @param open opens the float model, when it is needed */
  constructor(open: () => Promise<Session>, kept = new KeptOutputs()) {
    this.#open = open;
    this.#kept = kept;
  }

  async at(
    offset: number,
    feeds: Readonly<Record<string, TensorValue>>,
    signal: AbortSignal | undefined,
  ): Promise<Outputs> {
    const kept = this.#kept.at(offset);
    if (kept !== undefined) return kept;
    this.#session ??= await this.#open();
    const outputs = await this.#session.run(feeds, undefined, signal);
    this.#kept.keep(offset, outputs);
    return outputs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session?.close();
  }
}
