import type { ResultRow, Results } from "@edgewatt/protocol";
import { formatFigure } from "./number-format.ts";

interface Memory {
  readonly row: ResultRow;
  readonly peak: number;
  readonly baseline: number;
  /** 0 where it was not told apart from the model's. */
  readonly session: number;
  readonly model: number;
}

/** Where the memory goes on each device, in numbers: the runtime's part does not shrink with the model. */
export function memoryParagraphs(results: Results): string[] {
  const devices = [...new Set(results.rows.map((row) => row.device))];
  return devices.flatMap((device) => {
    const known = results.rows.filter((row) => row.device === device).flatMap(memoryOf);
    return known.length === 0 ? [] : [`${device}: ${[sharesOf(known), ...changesOf(known)].join(" ")}`];
  });
}

function memoryOf(row: ResultRow): Memory[] {
  const { maxMemoryMb: peak, memoryBaselineMb: baseline } = row;
  if (peak === null || baseline === null) return [];
  const session = row.memorySessionMb ?? 0;
  return [{ row, peak, baseline, session, model: row.memoryModelMb ?? peak - baseline - session }];
}

function sharesOf(known: readonly Memory[]): string {
  const largest = known.reduce((a, b) => (b.peak > a.peak ? b : a));
  const models = known.map(({ model }) => model);
  const session =
    largest.session > 0 ? `, ${formatFigure(largest.session)} MB its first session, whatever the model` : "";
  return (
    `of ${formatFigure(largest.peak)} MB at most (${nameOf(largest.row)}), ${formatFigure(largest.baseline)} MB are Node.js and ` +
    `ONNX Runtime before any model is loaded${session}; the models' share is ${rangeMb(models)} MB.`
  );
}

/** For each precision the least and the most pruned model beside each other. */
function changesOf(known: readonly Memory[]): string[] {
  return (["fp32", "int8"] as const).flatMap((precision) => {
    const pruned = known
      .filter(({ row }) => row.precision === precision && row.pruning !== null)
      .toSorted((a, b) => Number(a.row.pruning) - Number(b.row.pruning));
    const first = pruned[0];
    const last = pruned.at(-1);
    if (first === undefined || last === undefined || first.row.pruning === last.row.pruning) return [];
    const { fileSizeMb: before } = first.row;
    const { fileSizeMb: after } = last.row;
    const file = before === null || after === null ? "" : `, its file from ${change(before, after)}`;
    return [
      `From pruning ${first.row.pruning} to ${last.row.pruning} the peak in ${precision} goes from ${change(first.peak, last.peak)}, ` +
        `the model's share from ${change(first.model, last.model)}${file}.`,
    ];
  });
}

function change(before: number, after: number): string {
  const percent = Math.round(100 * (after / before - 1));
  return `${formatFigure(before)} to ${formatFigure(after)} MB (${percent > 0 ? "+" : ""}${percent} %)`.replace(
    "(-",
    "(−",
  );
}

function rangeMb(values: readonly number[]): string {
  const low = formatFigure(Math.min(...values));
  const high = formatFigure(Math.max(...values));
  return low === high ? low : `${low} to ${high}`;
}

function nameOf({ model, precision }: ResultRow): string {
  return `${model} ${precision}`;
}
