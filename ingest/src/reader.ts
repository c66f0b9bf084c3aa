import { DecodeError, decodeMessage, readBatchNumbers, type Stream } from "@edgewatt/protocol";
import { NO_LINES } from "./line-block.ts";
import { toPoints } from "./points.ts";
import type { Entry } from "./write-queue.ts";

/** What a payload of telemetry comes to. */
export type Reading =
  | { readonly kind: "batch"; readonly entry: Entry; readonly omissions: ReadonlySet<string> }
  /** The batch cannot be read, but named: it is set aside and acknowledged, else its agent would send it for ever. */
  | { readonly kind: "letter"; readonly entry: Entry; readonly error: DecodeError }
  /** Not even its numbers can be read, so that nothing can be acknowledged. */
  | { readonly kind: "undecodable"; readonly error: DecodeError };

export function readBatch(device: string, stream: Stream, payload: Uint8Array): Reading {
  try {
    const batch = decodeMessage("telemetry", payload);
    const { block, omissions } = toPoints(device, stream, batch);
    const entry = { block, batch: { device, stream, boot: batch.boot, seq: batch.seq } };
    return { kind: "batch", entry, omissions };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    const numbers = readBatchNumbers(payload);
    if (numbers === undefined) return { kind: "undecodable", error };
    const id = { device, stream, ...numbers };
    const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString("utf8");
    const letter = { id, code: error.code, reason: error.message, payload: text };
    return { kind: "letter", entry: { block: NO_LINES, batch: id, letter }, error };
  }
}
