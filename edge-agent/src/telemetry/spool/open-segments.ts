import { open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import type { Clock, Logger } from "@edgewatt/runtime";
import { frame, HEADER_BYTES, nameOf, scan, type Extent } from "./frame.ts";
import { Segment, segmentFile, segmentNumber } from "./segment.ts";
import type { BatchName } from "./spool.ts";

const REPAIRING = ".repairing";

export interface OpenOptions {
  readonly dir: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** The disk refuses to be read or repaired. */
  readonly onError: (error: unknown) => void;
}

export interface OpenedSegments {
  /** In order. */
  readonly segments: readonly Segment[];
  /** The first number that no file has. */
  readonly nextNumber: number;
  /** Bytes that were damaged and were cut out. */
  readonly cutBytes: number;
}

interface FoundBatch {
  readonly name: BatchName;
  readonly payload: Extent;
}

/**
 * Indexes the files that an earlier process left. Damage, which a power cut leaves at the end of a file, is cut out of it and
 * told; everything else is kept. A file that cannot be read stays where it is for a later start.
 */
export async function openSegments({ dir, clock, log, onError }: OpenOptions): Promise<OpenedSegments> {
  const names = await readdir(dir);
  for (const name of names.filter((file) => file.endsWith(REPAIRING))) {
    await rm(path.join(dir, name), { force: true }).catch(onError);
  }
  const numbers = names.map(segmentNumber).filter((number) => number !== undefined);
  const segments: Segment[] = [];
  let cutBytes = 0;
  for (const number of numbers.sort((a, b) => a - b)) {
    const file = segmentFile(dir, number);
    try {
      const { mtimeMs } = await stat(file);
      const ageUs = Math.max(0, clock.nowUs() - mtimeMs * 1000);
      const { batches, bytes, cut } = await readSegment(file, log, onError);
      cutBytes += cut;
      const segment = new Segment(number);
      segment.bytes = bytes;
      for (const { name, payload } of batches) segment.add(name, payload, clock.monotonicUs() - ageUs);
      if (batches.length === 0) await rm(file);
      else segments.push(segment);
    } catch (error) {
      onError(error);
    }
  }
  return { segments, nextNumber: Math.max(-1, ...numbers) + 1, cutBytes };
}

/** Reads a file, and repairs it when it is damaged and the disk allows it. */
async function readSegment(
  file: string,
  log: Logger,
  onError: OpenOptions["onError"],
): Promise<{ batches: readonly FoundBatch[]; bytes: number; cut: number }> {
  const data = await readFile(file);
  const batches = scan(data).payloads.flatMap((payload): FoundBatch[] => {
    const name = nameOf(bytesOf(data, payload));
    return name === undefined ? [] : [{ name, payload }];
  });
  const soundBytes = batches.reduce((sum, { payload }) => sum + HEADER_BYTES + payload.length, 0);
  const cut = data.length - soundBytes;
  if (cut === 0) return { batches, bytes: data.length, cut };
  log.warn({ file, bytes: cut, batches: batches.length }, "a spool file is damaged: what cannot be read is cut out");
  try {
    await replace(
      file,
      batches.map(({ payload }) => frame(bytesOf(data, payload))),
    );
  } catch (error) {
    onError(error);
    return { batches, bytes: data.length, cut };
  }
  let offset = 0;
  const moved = batches.map(({ name, payload: { length } }) => {
    const payload = { offset: offset + HEADER_BYTES, length };
    offset += HEADER_BYTES + length;
    return { name, payload };
  });
  return { batches: moved, bytes: soundBytes, cut };
}

/** A crash at any moment leaves the old file or the new one. */
async function replace(file: string, records: readonly Buffer[]): Promise<void> {
  const aside = `${file}${REPAIRING}`;
  const handle = await open(aside, "w");
  try {
    await handle.writeFile(Buffer.concat(records));
    await handle.datasync();
  } finally {
    await handle.close();
  }
  await rename(aside, file);
}

function bytesOf(data: Buffer, { offset, length }: Extent): Buffer {
  return data.subarray(offset, offset + length);
}
