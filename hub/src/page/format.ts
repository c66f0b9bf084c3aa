/** `pi-2` before `pi-10`. */
export const BY_NAME = new Intl.Collator(undefined, { numeric: true });

export function watts(value: number | undefined): string {
  if (value === undefined) return "–";
  return value.toFixed(value < 10 ? 2 : 1);
}

export function withUnit(value: number | undefined, unit: string, decimals = 0): string {
  return value === undefined ? "–" : `${value.toFixed(decimals)} ${unit}`;
}

/** How long ago: `now`, `12 s ago`, `5 min ago`. */
export function ago(fromMs: number, nowMs: number): string {
  const seconds = Math.max(0, (nowMs - fromMs) / 1000);
  if (seconds < 2) return "now";
  return `${duration(seconds)} ago`;
}

export function duration(seconds: number): string {
  const wholeS = Math.round(seconds);
  if (wholeS < 60) return `${wholeS} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.floor(minutes / 1440)} d`;
}

export function clockTime(ms: number): string {
  return new Date(ms).toLocaleString(undefined, {
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  });
}

export function timeOfDay(ms: number): string {
  return new Date(ms).toLocaleTimeString(undefined, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  });
}
