import type { PowerSource, ResultDevice } from "@edgewatt/protocol";

const MAX_LAG_MS = 2;

/** Whether power and load are known to be aligned; an estimate from processor time has no lag to speak of. */
export function alignmentFlags(source: PowerSource, { lag, lagNote }: Pick<ResultDevice, "lag" | "lagNote">): string[] {
  if (source === "estimate") return [];
  if (lag === undefined || lag === null) return [`lag-unknown: ${lagNote ?? "not measured"}`];
  const figure = `${lag.ms.toFixed(2)} ± ${lag.halfWidth95Ms.toFixed(2)} ms`;
  if (Math.abs(lag.ms) > MAX_LAG_MS) {
    return [`lag: power follows the load by ${figure}, over ${MAX_LAG_MS} ms, so windows hold power of their edges`];
  }
  if (lag.halfWidth95Ms > MAX_LAG_MS) {
    return [`lag-unknown: ${figure}, and this meter's rate cannot tell it to ${MAX_LAG_MS} ms`];
  }
  return [];
}
