import type { ResultRow } from "@edgewatt/protocol";

/** What the channel counts of a row's model were rounded to when it was pruned; `null` where its lineage says nothing of it. */
export function alignOf({ lineage }: Pick<ResultRow, "lineage">): number | null {
  const step = lineage?.findLast(({ op }) => op === "prune");
  return step?.op === "prune" ? step.align : null;
}

/** `multiples of 16`, `exact counts`. */
export function alignText(align: number): string {
  return align === 1 ? "exact counts" : `multiples of ${align}`;
}
