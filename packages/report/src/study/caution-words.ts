import { counted, type Results } from "@edgewatt/protocol";
import { flagCode } from "../columns.ts";
import { listed } from "../listed.ts";
import { methodOf } from "../merge.ts";
import { estimated } from "../power-source.ts";
import { SLOWING } from "../slower/why-slower.ts";

/** What weakens the figures of a study, before anybody cites them. */
export function cautionWords(results: Results): string[] {
  const { rows } = results;
  const quick = rows.some((row) => methodOf(row, results).quick);
  const disturbed = new Map<string, number>();
  for (const code of rows.flatMap(({ flags }) => [...new Set(flags.map(flagCode))])) {
    if (SLOWING.test(code)) disturbed.set(code, (disturbed.get(code) ?? 0) + 1);
  }
  const flags = [...disturbed].map(([code, count]) => `${code} in ${count} of ${counted(rows.length, "row")}`);
  const energy = { all: "Power and energy are", some: "Some of power and energy are", none: undefined }[
    estimated(results)
  ];
  return [
    ...(quick ? ["Windows were short, so this shows that everything works; cite a full run."] : []),
    ...(flags.length === 0 ? [] : [`The machine was disturbed while it measured: ${listed(flags)}.`]),
    ...(energy === undefined ? [] : [`${energy} estimates of a model, not measured.`]),
  ];
}
