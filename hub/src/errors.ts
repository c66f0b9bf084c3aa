import { RuntimeError } from "@edgewatt/runtime";

/** A request that cannot be answered; becomes the status and the `{error, message}` body of the reply. */
export class HttpError extends RuntimeError {
  readonly status: number;

  constructor(status: number, code: string, message: string) {
    super(message, { code, retryable: status >= 500 });
    this.status = status;
  }
}
