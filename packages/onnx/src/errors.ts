/** What every error of this package carries besides its message. */
export interface OnnxErrorDetails {
  /** A stable, machine-readable name of the fault; messages may change, codes do not. */
  readonly code: string;
  /** Paths, names and sizes that help to find the cause. */
  readonly context?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** The base of the errors that this package and the packages on it raise on purpose; the message is one line that says what to do. */
export class OnnxError extends Error {
  readonly code: string;
  /** Always false: the same files and options fail the same way again. */
  readonly retryable: boolean = false;
  readonly context: Readonly<Record<string, unknown>>;

  constructor(message: string, details: OnnxErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = details.code;
    this.context = details.context ?? {};
  }
}

/** A model file or graph that cannot be read, loaded or handled. */
export class ModelError extends OnnxError {}

/** Calibration or evaluation data that cannot be read or does not fit the model. */
export class DataError extends OnnxError {}

/** The caller's AbortSignal ended the work; nothing was written. */
export class CanceledError extends OnnxError {}

/** Throws CanceledError when the signal has aborted; `what` names the work in the message. */
export function throwIfCanceled(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted === true)
    throw new CanceledError(`${what} was canceled`, { code: "canceled", cause: signal.reason });
}

/** The first line of an error's text, for quoting it inside another message. */
export function firstLineOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (text.split("\n")[0] ?? text).trim();
}
