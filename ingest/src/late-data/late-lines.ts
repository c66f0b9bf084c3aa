import { type Line, measurementNameOf } from "@edgewatt/database";

export interface LateLine {
  readonly measurement: string;
  readonly timeS: number;
}

/** A timestamp in µs has this many digits from 2001 to 2286, so that text compares as numbers do. */
const DIGITS = 16;
const LINE_BREAK = 0x0a;

function limitOf(beforeUs: number): string {
  return String(Math.floor(beforeUs)).padStart(DIGITS, "0");
}

/**
 * Whether any line of a text, each with a line break behind it, may be older than a time. It reads the bytes as they are, since
 * nearly always none is. @param beforeUs since the epoch
 */
export function mayHaveLateLines(bytes: Uint8Array, beforeUs: number): boolean {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const limit = Buffer.from(limitOf(beforeUs));
  for (let end = text.indexOf(LINE_BREAK); end >= 0; end = text.indexOf(LINE_BREAK, end + 1)) {
    if (end < DIGITS || text.compare(limit, 0, DIGITS, end - DIGITS, end) < 0) return true;
  }
  return false;
}

/** The lines older than a time. @param beforeUs since the epoch */
export function lateLines(lines: readonly Line[], beforeUs: number): LateLine[] {
  const limit = limitOf(beforeUs);
  const late: LateLine[] = [];
  for (const line of lines) {
    if (line.slice(-DIGITS) >= limit) continue;
    const timeUs = Number(line.slice(line.lastIndexOf(" ") + 1));
    if (Number.isFinite(timeUs)) late.push({ measurement: measurementNameOf(line), timeS: Math.floor(timeUs / 1e6) });
  }
  return late;
}
