/** What every edgewatt error carries besides its message. */
export interface ErrorDetails {
  /** A stable, machine-readable name of the fault; messages may change, codes do not. */
  readonly code: string;
  /** Whether the same call can succeed later without anyone changing its input. */
  readonly retryable?: boolean;
  /** Identifiers that help to find the cause: paths, topics, devices. Never secrets. */
  readonly context?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** The base of all errors that edgewatt raises on purpose; its message is one line that says what to do. */
export class EdgewattError extends Error {
  readonly code: string;
  readonly retryable: boolean;
  readonly context: Readonly<Record<string, unknown>>;

  constructor(message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = details.code;
    this.retryable = details.retryable ?? false;
    this.context = details.context ?? {};
  }
}

/** A payload or topic from a peer that cannot be understood. */
export class DecodeError extends EdgewattError {}
