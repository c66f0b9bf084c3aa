import { measurementOfLine, type Line } from "@edgewatt/database";

export interface LateLine {
  readonly measurement: string;
  readonly timeS: number;
}

/** A timestamp in µs has this many digits from 2001 to 2286, so that text compares as numbers do. */
const DIGITS = 16;

/** The lines older than a time; all others cost one comparison. @param beforeUs since the epoch */
export function lateLines(lines: readonly Line[], beforeUs: number): LateLine[] {
  const limit = String(Math.floor(beforeUs)).padStart(DIGITS, "0");
  const late: LateLine[] = [];
  for (const line of lines) {
    if (line.slice(-DIGITS) >= limit) continue;
    const timeUs = Number(line.slice(line.lastIndexOf(" ") + 1));
    if (Number.isFinite(timeUs)) late.push({ measurement: measurementOfLine(line), timeS: Math.floor(timeUs / 1e6) });
  }
  return late;
}
