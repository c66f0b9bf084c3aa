import { DatabaseError } from "./errors.ts";

/** Whole seconds; 0 is without end, as InfluxDB says it. */
export type DurationS = number;

const UNITS = [
  ["w", 604_800],
  ["d", 86_400],
  ["h", 3_600],
  ["m", 60],
  ["s", 1],
] as const;

/** InfluxDB drops what is older in whole shards, and no policy may be shorter than this. */
export const MIN_RETENTION_S: DurationS = 3_600;

/** Reads `7d`, `36h`, `2160h0m0s` or `forever`. @throws {DatabaseError} code `bad-duration` */
export function parseDuration(written: string): DurationS {
  if (written === "forever" || written === "INF") return 0;
  const parts = [...written.matchAll(/(\d+)([wdhms])/g)];
  const whole = parts.map(([part]) => part).join("");
  if (whole === "" || whole !== written) {
    throw new DatabaseError(`${written} is no duration: write 7d, 36h or forever`, {
      code: "bad-duration",
      context: { written },
    });
  }
  const secondsOf = new Map<string, number>(UNITS);
  return parts.reduce((sum, [, count, unit = ""]) => sum + Number(count) * (secondsOf.get(unit) ?? 0), 0);
}

/** In the largest unit that divides it: `90d`; `0s` is without end. */
export function formatDuration(seconds: DurationS): string {
  const [unit, size] = UNITS.find(([name, length]) => name !== "w" && seconds > 0 && seconds % length === 0) ?? [
    "s",
    1,
  ];
  return `${seconds / size}${unit}`;
}

/** For people. */
export function describeDuration(seconds: DurationS): string {
  return seconds === 0 ? "forever" : formatDuration(seconds);
}
