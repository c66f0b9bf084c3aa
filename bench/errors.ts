/** A benchmark that could not be run, or was asked for wrongly. */
export class BenchError extends Error {
  readonly code: string;
  readonly context: Readonly<Record<string, unknown>>;

  constructor(
    message: string,
    details: { readonly code: string; readonly context?: Readonly<Record<string, unknown>>; readonly cause?: unknown },
  ) {
    super(message, "cause" in details ? { cause: details.cause } : {});
    this.name = "BenchError";
    this.code = details.code;
    this.context = details.context ?? {};
  }
}
