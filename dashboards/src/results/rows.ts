import { MEASUREMENTS } from "@edgewatt/protocol";
import { CHOSEN_POLICY, chosen, influxql, ofChosenRun, type Selection } from "../queries/influxql.ts";

const { runSummary } = MEASUREMENTS;

/** What makes a row of the results table one: its newest point counts. */
export const ROW_TAGS = ["device", "model", "precision", "pruning"] as const;

/** The field that chooses a row's newest point; the others are of the same point, so that no row mixes two runs. */
const NEWEST_BY = "latency_ms";

/** The rows that are chosen at the top of the dashboard, by these of its variables and the run. */
export function chosenRows(...tags: readonly (typeof ROW_TAGS)[number][]): string[] {
  return [...tags.map((tag) => chosen(runSummary, tag)), ofChosenRun(runSummary)];
}

/** Fields of the newest point of each row, as a table. */
export function newestRows(fields: readonly string[], where: readonly string[]): string {
  const names = fields.includes(NEWEST_BY) ? fields : [NEWEST_BY, ...fields];
  return newest(
    names.map((field) => (field === NEWEST_BY ? { field, call: "last", as: field } : { field })),
    where,
  );
}

/** A field under the name of its column. */
export interface Named {
  readonly field: string;
  readonly as?: string;
}

/**
 * The newest value of a field in each row, and others of the same point. A row whose newest point does not have the field is represented by
 * an older one: what is joined to it by `run` must be of that point too.
 */
export function newestOf({ field, as = field }: Named, beside: readonly Named[], where: readonly string[]): string {
  return newest([{ field, call: "last", as }, ...beside], where);
}

function newest(select: readonly Selection[], where: readonly string[]): string {
  return influxql({ from: runSummary, policy: CHOSEN_POLICY, select, where, groupBy: ROW_TAGS });
}
