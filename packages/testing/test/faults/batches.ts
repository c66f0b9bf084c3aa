import { readBatch, type TakenBatch } from "../../src/faults/points.ts";

/** A batch of two points of power, 100 µs apart, whose time follows from its boot and number. */
export function batchText(seq: number, over: { watts?: number; boot?: number } = {}): string {
  const { watts = 5, boot = 1 } = over;
  const ch = { main: { t0: boot * 1_000_000 + seq * 1000, dt: [0, 100], w: [watts, watts + 0.5], source: "estimate" } };
  return JSON.stringify({ v: 1, boot, seq, sync: true, ch });
}

export function takenBatch(seq: number, over?: { watts?: number; boot?: number }): TakenBatch {
  return readBatch({ device: "pi-1", stream: "power", from: "spool" }, batchText(seq, over));
}
