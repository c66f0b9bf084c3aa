import { EdgewattError } from "@edgewatt/protocol/errors";

/** Why readings were lost, at a moment of CLOCK_MONOTONIC. */
export interface SampledFault {
  readonly tUs: number;
  readonly code: string;
  readonly message: string;
}

export function describeFault(error: unknown, tUs: number): SampledFault {
  if (error instanceof EdgewattError) return { tUs, code: error.code, message: error.message };
  return { tUs, code: "sensor-error", message: error instanceof Error ? error.message : String(error) };
}
