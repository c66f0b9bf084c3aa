import { readFile } from "node:fs/promises";
import type { Stream, TelemetryBatch } from "@edgewatt/protocol";
import { jsonOf, nameOf } from "./frame.ts";
import type { Lost } from "./gap-ledger.ts";
import type { Segment } from "./segment.ts";

/** Begins the key of rows that tell of dropped points: `gap/<stream>`. */
export const GAP_KEY = "gap/";

/**
 * Lets go of all that a segment holds, and says which points are lost by that. A gap that was told in one of its batches and never became durable is told again
 * by adding what it told. A file that cannot be read counts one point for each batch.
 */
export async function giveUp(file: string, segment: Segment): Promise<Lost> {
  const lost = new Map<Stream, number>();
  const lose = (stream: Stream, points: number) => lost.set(stream, (lost.get(stream) ?? 0) + points);
  let data: Buffer;
  try {
    data = await readFile(file);
  } catch {
    for (const { stream } of segment.newestFirst()) lose(stream, 1);
    segment.drop();
    return lost;
  }
  for (const { offset, length } of segment.extents()) {
    const payload = data.subarray(offset, offset + length);
    const stream = nameOf(payload)?.stream;
    if (stream === undefined) continue;
    for (const [of, points] of pointsOf(stream, jsonOf(payload))) lose(of, points);
  }
  // With no turn of the event loop since they were counted: what is acknowledged later is lost, what was before is not.
  segment.drop();
  return lost;
}

/** The points of a batch; those that tell of a gap count as what they tell. */
export function pointsOf(stream: Stream, json: string): [Stream, number][] {
  let batch: TelemetryBatch;
  try {
    // Its checksum says that it is what was encoded: no need to check a whole file of them again.
    batch = JSON.parse(json) as TelemetryBatch;
  } catch {
    return [[stream, 1]];
  }
  return Object.entries(batch.ch).map(([key, channel]) => {
    const { dt, lost } = channel;
    if (stream !== "event" || !key.startsWith(GAP_KEY)) return [stream, dt.length];
    const told = Array.isArray(lost) ? lost : dt.map(() => lost);
    return [key.slice(GAP_KEY.length) as Stream, told.reduce<number>((sum, points) => sum + Number(points), 0)];
  });
}
