import { type DataSource, fixedBatch, type Session } from "@edgewatt/onnx";

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
