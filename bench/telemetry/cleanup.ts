/** Ends what was started, in reverse order, when it is disposed. */
export class Cleanup implements AsyncDisposable {
  readonly #steps: (() => Promise<unknown>)[] = [];

  /** @returns `started`, which `stop` ends */
  add<T>(started: T, stop: (started: T) => PromiseLike<unknown>): T {
    this.#steps.push(async () => stop(started));
    return started;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const step of this.#steps.splice(0).toReversed()) await step();
  }
}
