import { STREAMS, type Stream } from "@edgewatt/protocol";
import { crc32c } from "@node-rs/crc32";
import type { BatchName } from "./spool.ts";

/** Length of the payload and its CRC32C, each a little-endian 32-bit number. */
export const HEADER_BYTES = 8;
/** A batch, its stream's name and a line feed are well below it; what claims to be longer is no record. */
const MAX_PAYLOAD_BYTES = 128 * 1024;
/** A shorter payload cannot hold a stream, a line feed and JSON; zeros, which a power cut leaves, are such. */
const MIN_PAYLOAD_BYTES = 8;
/** `"boot"` and `"seq"` are among the first members of a batch that we wrote. */
const HEAD_BYTES = 100;
const HEAD = /^\{"v":1,"boot":(\d{1,10}),"seq":(\d{1,10}),/;

/** A part of a file. */
export interface Extent {
  readonly offset: number;
  readonly length: number;
}

export interface Scan {
  /** The payloads of all sound records, in order. */
  readonly payloads: readonly Extent[];
  /** What lies between them and after them and is no record. */
  readonly damage: readonly Extent[];
}

/** `[u32le length][u32le CRC32C][payload]`. */
export function frame(payload: Buffer): Buffer {
  const record = Buffer.allocUnsafe(HEADER_BYTES + payload.length);
  record.writeUInt32LE(payload.length, 0);
  record.writeUInt32LE(crc32c(payload), 4);
  payload.copy(record, HEADER_BYTES);
  return record;
}

/** Finds the records of a file. Damage costs what it covers: the next sound record is looked for at every byte after it. */
export function scan(data: Buffer): Scan {
  const payloads: Extent[] = [];
  const damage: Extent[] = [];
  let at = 0;
  let soundTo = 0;
  const close = () => {
    if (at > soundTo) damage.push({ offset: soundTo, length: at - soundTo });
  };
  while (at < data.length) {
    const length = payloadLength(data, at);
    if (length === undefined) {
      at += 1;
      continue;
    }
    close();
    payloads.push({ offset: at + HEADER_BYTES, length });
    at += HEADER_BYTES + length;
    soundTo = at;
  }
  close();
  return { payloads, damage };
}

/** Length of the payload of the sound record at an offset; `undefined` when there is none. */
function payloadLength(data: Buffer, at: number): number | undefined {
  const start = at + HEADER_BYTES;
  if (start > data.length) return undefined;
  const length = data.readUInt32LE(at);
  if (length < MIN_PAYLOAD_BYTES || length > MAX_PAYLOAD_BYTES || start + length > data.length) return undefined;
  return crc32c(data.subarray(start, start + length)) === data.readUInt32LE(at + 4) ? length : undefined;
}

/** `<stream>\n<JSON>` in UTF-8. */
export function spoolPayload(stream: Stream, json: string): Buffer {
  return Buffer.from(`${stream}\n${json}`);
}

/** The batch of a payload; `undefined` when it is none. */
export function nameOf(payload: Buffer): BatchName | undefined {
  const lineFeed = payload.indexOf("\n");
  const text = payload.toString("latin1", 0, Math.max(lineFeed, 0));
  const stream = STREAMS.find((name) => name === text);
  if (stream === undefined) return undefined;
  const [, boot, seq] = HEAD.exec(payload.toString("latin1", lineFeed + 1, lineFeed + HEAD_BYTES)) ?? [];
  if (boot === undefined || seq === undefined) return undefined;
  return { stream, boot: Number(boot), seq: Number(seq) };
}

export function jsonOf(payload: Buffer): string {
  return payload.toString("utf8", payload.indexOf("\n") + 1);
}
