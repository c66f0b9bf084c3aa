import type { DataSource, Session } from "@edgewatt/onnx";
import { fixedBatch } from "../calibration/batches.ts";

/** The part of a source that quality is measured on: what calibration has not seen, where that fills at least one batch. */
export function verificationRange(
  source: DataSource,
  session: Session,
  wanted: number,
): { first: number; count: number; heldBack: boolean } {
  const batch = fixedBatch(session) ?? 1;
  const heldBack = source.available - source.count >= batch;
  const first = heldBack ? source.count : 0;
  return { first, count: Math.min(Math.max(wanted, batch), source.available - first), heldBack };
}
