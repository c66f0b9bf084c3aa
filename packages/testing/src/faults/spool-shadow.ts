import { closeSync, fstatSync, linkSync, mkdirSync, openSync, readdirSync, readSync } from "node:fs";
import path from "node:path";
import { STREAMS } from "@edgewatt/protocol";
import { crc32c } from "./crc32c.ts";
import { readBatch, type TakenBatch } from "./points.ts";

const POLL_MS = 50;
const SEGMENT = /^\d{10}\.seg$/;
const HEADER_BYTES = 8;

interface Segment {
  readonly fd: number;
  /** Where the next record begins. */
  offset: number;
}

/**
 * Everything that an agent ever put into its spool. Each segment gets a second name as soon as it appears, so that
 * neither the agent's removal of it nor its repair of a torn end takes anything from us.
 */
export class SpoolShadow implements Disposable {
  readonly #device: string;
  readonly #spool: string;
  readonly #shadow: string;
  readonly #segments = new Map<string, Segment>();
  readonly #timer: NodeJS.Timeout;
  #links = 0;

  constructor(options: { device: string; spool: string }) {
    this.#device = options.device;
    this.#spool = options.spool;
    // A file's second name must be on the same disk, so it is in the spool's own folder.
    this.#shadow = path.join(options.spool, ".shadow");
    this.#timer = setInterval(() => this.#link(), POLL_MS);
  }

  /** The batches that came since the last call, in the order of their segments. */
  take(): TakenBatch[] {
    this.#link();
    return [...this.#segments.values()].flatMap((segment) => this.#read(segment));
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    for (const { fd } of this.#segments.values()) closeSync(fd);
  }

  #link(): void {
    for (const name of segmentNames(this.#spool)) {
      const { ino } = fstatOf(path.join(this.#spool, name)) ?? {};
      if (ino === undefined || this.#segments.has(`${name}/${ino}`)) continue;
      const copy = path.join(this.#shadow, `${String(this.#links++).padStart(6, "0")}-${name}`);
      try {
        mkdirSync(this.#shadow, { recursive: true });
        linkSync(path.join(this.#spool, name), copy);
        this.#segments.set(`${name}/${ino}`, { fd: openSync(copy, "r"), offset: 0 });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      }
    }
  }

  /** What is not whole is left until a whole record follows it: it is being written, or a crash tore it. */
  #read(segment: Segment): TakenBatch[] {
    const size = fstatSync(segment.fd).size - segment.offset;
    if (size < HEADER_BYTES) return [];
    const bytes = Buffer.alloc(size);
    readSync(segment.fd, bytes, 0, size, segment.offset);
    const batches: TakenBatch[] = [];
    let readTo = 0;
    for (let at = 0; at + HEADER_BYTES <= size;) {
      const payload = payloadAt(bytes, at);
      at += payload === undefined ? 1 : HEADER_BYTES + payload.byteLength;
      if (payload === undefined) continue;
      batches.push(this.#decode(payload.toString("utf8")));
      readTo = at;
    }
    segment.offset += readTo;
    return batches;
  }

  #decode(payload: string): TakenBatch {
    const end = payload.indexOf("\n");
    const name = payload.slice(0, end);
    const stream = STREAMS.find((known) => known === name);
    if (stream === undefined) throw new RangeError(`a record of the spool names stream ${JSON.stringify(name)}`);
    return readBatch({ device: this.#device, stream, from: "spool" }, payload.slice(end + 1));
  }
}

function payloadAt(bytes: Buffer, at: number): Buffer | undefined {
  const length = bytes.readUInt32LE(at);
  const payload = bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length);
  const whole = length > 0 && payload.byteLength === length && crc32c(payload) === bytes.readUInt32LE(at + 4);
  return whole ? payload : undefined;
}

function segmentNames(dir: string): string[] {
  try {
    return readdirSync(dir)
      .filter((name) => SEGMENT.test(name))
      .sort();
  } catch {
    // The agent has not made it yet.
    return [];
  }
}

function fstatOf(file: string): { ino: number } | undefined {
  try {
    const fd = openSync(file, "r");
    const { ino } = fstatSync(fd);
    closeSync(fd);
    return { ino };
  } catch {
    return undefined;
  }
}
