import { open } from "node:fs/promises";
import { HEADER_BYTES, scan, type Extent } from "./frame.ts";

/** The payload of a record of a file; `undefined` when it is not what was written. */
export async function readRecord(file: string, { offset, length }: Extent): Promise<Buffer | undefined> {
  const handle = await open(file, "r");
  try {
    const record = Buffer.alloc(HEADER_BYTES + length);
    await handle.read(record, 0, record.length, offset - HEADER_BYTES);
    const [found] = scan(record).payloads;
    return found?.offset === HEADER_BYTES ? record.subarray(HEADER_BYTES) : undefined;
  } finally {
    await handle.close();
  }
}
