import { parseTopic } from "@edgewatt/protocol";
import { readBatch, type TakenBatch } from "./points.ts";

/** MQTT 3.1.1, table 2.1. */
const PUBLISH = 3;

interface Packet {
  readonly type: number;
  readonly flags: number;
  readonly body: Buffer;
}

/** Reads the batches that a device publishes out of the bytes of its connections, each once. */
export class PublishedTap {
  readonly #batches = new Map<string, TakenBatch>();
  readonly #partial = new Map<number, Buffer>();
  #fresh: TakenBatch[] = [];

  /** Bytes of one connection, in order. */
  hear(connection: number, bytes: Buffer): void {
    let rest: Buffer = Buffer.concat([this.#partial.get(connection) ?? Buffer.alloc(0), bytes]);
    for (let next = takePacket(rest); next !== undefined; next = takePacket(rest)) {
      rest = next.rest;
      if (next.packet.type === PUBLISH) this.#receive(next.packet);
    }
    this.#partial.set(connection, rest);
  }

  /** Those that came since the last call. */
  take(): TakenBatch[] {
    const fresh = this.#fresh;
    this.#fresh = [];
    return fresh;
  }

  #receive({ flags, body }: Packet): void {
    const topicBytes = body.readUInt16BE(0);
    const topic = parseTopic(body.toString("utf8", 2, 2 + topicBytes));
    if (topic?.kind !== "telemetry") return;
    const hasId = (flags & 0b0110) !== 0;
    const text = body.toString("utf8", 2 + topicBytes + (hasId ? 2 : 0));
    const batch = readBatch({ ...topic, from: "wire" }, text);
    const key = `${batch.device}/${batch.stream}/${batch.boot}/${batch.seq}`;
    if (this.#batches.has(key)) return;
    this.#batches.set(key, batch);
    this.#fresh.push(batch);
  }
}

/** The first whole packet (MQTT 3.1.1, section 2.2.3 for its length). */
function takePacket(bytes: Buffer): { packet: Packet; rest: Buffer } | undefined {
  let length = 0;
  for (let i = 0; i < 4; i++) {
    const byte = bytes[1 + i];
    if (byte === undefined) return undefined;
    length += (byte & 0x7f) * 128 ** i;
    if (byte & 0x80) continue;
    const start = 2 + i;
    if (bytes.byteLength < start + length) return undefined;
    const first = bytes[0] ?? 0;
    return {
      packet: { type: first >> 4, flags: first & 0x0f, body: bytes.subarray(start, start + length) },
      rest: bytes.subarray(start + length),
    };
  }
  return undefined;
}
