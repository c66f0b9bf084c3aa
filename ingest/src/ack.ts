import { encodeMessage, formatTopic, MESSAGE_VERSION, type Stream } from "@edgewatt/protocol";

/** Names one batch of telemetry. */
export interface BatchId {
  readonly device: string;
  readonly stream: Stream;
  readonly boot: number;
  readonly seq: number;
}

export interface AckMessage {
  readonly topic: string;
  readonly payload: string;
}

/** Sorted, disjoint, inclusive ranges that cover exactly these numbers. */
export function toRanges(numbers: readonly number[]): [first: number, last: number][] {
  const ranges: [number, number][] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last && number <= last[1] + 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges;
}

/** The acknowledgements of durable batches: one message per device, stream and boot. */
export function toAcks(durable: readonly BatchId[]): AckMessage[] {
  return [...groupBatches(durable).values()].map(({ id, numbers }) => ({
    topic: formatTopic({ kind: "ack", device: id.device, stream: id.stream }),
    payload: encodeMessage("ack", { v: MESSAGE_VERSION, boot: id.boot, ranges: toRanges(numbers) }),
  }));
}

function groupBatches(durable: readonly BatchId[]): Map<string, { id: BatchId; numbers: number[] }> {
  const groups = new Map<string, { id: BatchId; numbers: number[] }>();
  for (const id of durable) {
    const key = `${id.device}/${id.stream}/${id.boot}`;
    const group = groups.get(key) ?? { id, numbers: [] };
    group.numbers.push(id.seq);
    groups.set(key, group);
  }
  return groups;
}
