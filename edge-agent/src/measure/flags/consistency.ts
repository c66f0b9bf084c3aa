import type { ResultRow } from "@edgewatt/protocol";

const CONSISTENCY = 0.005;

/** Checks of a finished row against itself. */
export function consistencyFlags(row: ResultRow): string[] {
  const flags: string[] = [];
  const { meanPowerW: mean, maxPowerW: max, idlePowerW: idle, imageMs, energyMj } = row;
  if (idle !== null && mean !== null && idle > mean * (1 + CONSISTENCY)) {
    flags.push("consistency: idle power is above the mean of the windows");
  }
  if (mean !== null && max !== null && mean > max * (1 + CONSISTENCY)) {
    flags.push("consistency: mean power is above the maximum");
  }
  if (mean !== null && imageMs !== null && energyMj.gross !== null) {
    const off = Math.abs(energyMj.gross / (mean * imageMs) - 1);
    if (off > CONSISTENCY) flags.push("consistency: energy per image is not mean power times time per image");
  }
  const { net, netHalfWidth95 } = energyMj;
  if (net !== null && netHalfWidth95 !== null && Math.abs(net) <= netHalfWidth95) {
    flags.push("net-unresolved: the net energy cannot be told from zero");
  }
  return flags;
}
