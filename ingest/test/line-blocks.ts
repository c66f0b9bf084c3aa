import { toBlock } from "../src/line-block.ts";
import { LineBuffer } from "../src/line-buffer.ts";
import type { Line } from "@edgewatt/database";

/** The lines of two batches in the buffer of a write. */
export function bufferOf(lines: readonly Line[]): LineBuffer {
  const buffer = new LineBuffer();
  const middle = lines.length >> 1;
  for (const part of [lines.slice(0, middle), lines.slice(middle)]) {
    const block = toBlock(part);
    buffer.append(block, Buffer.byteLength(block.text));
  }
  return buffer;
}
