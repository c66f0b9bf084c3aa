import { inconsistencies, type ResultRow } from "@edgewatt/protocol";

/** Checks of a finished row against itself, and whether its net energy is one. */
export function consistencyFlags(row: ResultRow): string[] {
  return [...inconsistencies(row).map((fault) => `consistency: ${fault}`), ...netEnergy(row)];
}

/** A difference of two energies that is smaller than this share of them is rounding. */
const ROUNDING = 1e-9;

function netEnergy({ energyMj: { gross, net, netHalfWidth95 } }: ResultRow): string[] {
  if (net === null) return [];
  if (Math.abs(net) <= Math.max(netHalfWidth95 ?? 0, ROUNDING * (gross ?? 0)))
    return ["net-unresolved: the net energy cannot be told from zero"];
  return net < 0 ? ["net-negative: idle power was above the mean of the windows"] : [];
}
