import { EdgewattError } from "@edgewatt/protocol/errors";
import { EXIT, exitCodeOf } from "@edgewatt/runtime/process";

/** Base of what the command line itself finds wrong. */
export class ControllerError extends EdgewattError {}

/** The command was called with something that does not exist or does not go together; exit code 2. */
export class UsageError extends ControllerError {
  constructor(message: string, context: Readonly<Record<string, unknown>> = {}) {
    super(message, { code: "usage", context });
  }
}

/** The user ended the command; exit code 130. */
export class InterruptedError extends ControllerError {
  constructor(message = "interrupted") {
    super(message, { code: "interrupted" });
  }
}

/** A child process ended with an exit code that is to be ours too. */
export class ChildError extends ControllerError {
  readonly exitCode: number;

  constructor(message: string, exitCode: number, context: Readonly<Record<string, unknown>> = {}) {
    super(message, { code: "child", context });
    this.exitCode = exitCode;
  }
}

/** Codes of wrong usage that packages find: by code, as their classes would load the quantizer and the registry into every command. */
const WRONG_USAGE: ReadonlySet<unknown> = new Set([
  "options-conflict",
  "unknown-model",
  "ambiguous-model",
  "name-taken",
]);

/** The exit code that an error ends the command with. */
export function exitCodeFor(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof InterruptedError) return EXIT.interrupted;
  if (error instanceof ChildError) return error.exitCode;
  if (error instanceof Error && "code" in error && WRONG_USAGE.has(error.code)) return EXIT.usage;
  return exitCodeOf(error);
}

/**
 * What to print of an error: its message in one line when somebody raised it on purpose (every package of edgewatt gives
 * its errors a code), else the stack, because then it is our fault.
 */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const expected = error instanceof EdgewattError || ("code" in error && typeof error.code === "string");
  return expected ? error.message.replaceAll(/\s*\n\s*/g, "; ") : (error.stack ?? error.message);
}
