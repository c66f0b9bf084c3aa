import { EdgewattError } from "@edgewatt/protocol/errors";

/** Base of what goes wrong in the machinery that every service shares. */
export class RuntimeError extends EdgewattError {}

/** The configuration cannot be used; `issues` holds every problem, one line each. Never retryable. */
export class ConfigError extends RuntimeError {
  readonly issues: readonly string[];

  constructor(issues: readonly string[]) {
    super(issues.join("\n"), { code: "config", context: { issues } });
    this.issues = issues;
  }
}

/** A message could not be carried: not connected, refused, or lost with its connection. */
export class TransportError extends RuntimeError {}

/** Nothing answers at an address that must answer; a command line ends with exit code 3. */
export class UnreachableError extends TransportError {}

/** A file or folder cannot be read or written. */
export class FileError extends RuntimeError {}
