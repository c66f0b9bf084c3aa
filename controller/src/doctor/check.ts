/** What one look at the machine found. */
export interface Check {
  readonly name: string;
  /** `warn`: edgewatt works, but something is missing or makes figures worse. */
  readonly status: "ok" | "warn" | "fail";
  readonly message: string;
  /** What to do about it. */
  readonly advice?: string;
  /** The figures that were judged, for `--json`. */
  readonly figures?: Readonly<Record<string, unknown>>;
}

export function ok(name: string, message: string): Check {
  return { name, status: "ok", message };
}

export function warn(name: string, message: string, advice: string): Check {
  return { name, status: "warn", message, advice };
}

/** A check from an error, whose message says after its first colon what to do. */
export function fromError(name: string, status: "warn" | "fail", error: Error): Check {
  const [message = "", ...advice] = error.message.split(": ");
  return { name, status, message, advice: advice.join(": ") };
}

export function fail(name: string, message: string, advice: string): Check {
  return { name, status: "fail", message, advice };
}
