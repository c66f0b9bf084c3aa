import type { ResultsTable, TableCell } from "../api.ts";
import { h } from "../dom.ts";
import { explain } from "../tips.ts";
import { counted } from "../vendor/protocol/counted.js";

/** A table in a region of its own that scrolls where it is too wide, with its footnotes below. */
export function tableView(table: ResultsTable, { id, label, heading }: { id: string; label: string; heading: string }) {
  const { columns, rows } = table;
  const head = h(
    "tr",
    {},
    ...columns.map(({ title, short, align }) => h("th", { scope: "col", class: align }, h("abbr", { title }, short))),
  );
  const rarity = rowsWithNote(table);
  const precision = columns.findIndex(({ key }) => key === "precision");
  const body = rows.map((cells) =>
    h(
      "tr",
      {},
      ...cells.map((cell, index) => {
        const column = columns[index];
        if (column?.key === "flags") return h("td", { class: "flags" }, flags(cell, table, rarity));
        const content = [cell.text, ...marks(cell, table)];
        const attributes = { class: column?.align ?? "left" };
        if (column?.key !== heading) return h("td", attributes, ...content);
        // On a phone the precision's own column is out of sight, and two rows would look the same.
        const tag = h("span", { class: "tag", "aria-hidden": "true" }, cells[precision]?.text ?? "");
        return h("th", { ...attributes, scope: "row" }, ...content, tag);
      }),
    ),
  );
  const region = h(
    "div",
    { class: "card scroll", role: "region", "aria-label": label, tabindex: "0" },
    h("table", { id, class: "figures-table" }, h("thead", {}, head), h("tbody", {}, ...body)),
  );
  return [region, notes(table)] as const;
}

/** Why a cell is blank, or what to know of it. */
function marks({ notes: numbers }: TableCell, { footnotes }: ResultsTable): HTMLElement[] {
  if (numbers.length === 0) return [];
  const mark = h("button", { type: "button", class: "mark" }, numbers.join(","));
  mark.setAttribute("aria-label", `${numbers.length === 1 ? "Note" : "Notes"} ${numbers.join(", ")}`);
  explain(mark, tipOf(numbers, footnotes));
  return [mark];
}

/** How many rows have each flag, by the number of its footnote. */
function rowsWithNote({ columns, rows }: ResultsTable): ReadonlyMap<number, number> {
  const column = columns.findIndex(({ key }) => key === "flags");
  const counts = new Map<number, number>();
  for (const number of rows.flatMap((cells) => cells[column]?.notes ?? [])) {
    counts.set(number, (counts.get(number) ?? 0) + 1);
  }
  return counts;
}

/**
 * The flag that tells a row from the others most, and how many more there are; what they all mean is a hover, focus or tap away.
 */
function flags(cell: TableCell, { footnotes }: ResultsTable, rarity: ReadonlyMap<number, number>): HTMLElement {
  if (cell.notes.length === 0) return h("span", { class: "muted" }, cell.text);
  const rarestFirst = cell.notes.toSorted((a, b) => (rarity.get(a) ?? 0) - (rarity.get(b) ?? 0));
  const tip = tipOf(rarestFirst, footnotes);
  const chips = [tip[0]?.[0] ?? "", ...(tip.length > 1 ? [`+${tip.length - 1}`] : [])];
  const all = h(
    "button",
    { type: "button", class: "chips" },
    ...chips.map((text) => h("span", { class: "chip" }, text)),
  );
  all.setAttribute("aria-label", `${counted(tip.length, "flag")}: ${tip.map(([name]) => name).join(", ")}`);
  explain(all, tip);
  return all;
}

/** `code: detail`, as flags are written. */
function tipOf(numbers: readonly number[], footnotes: readonly string[]): [term: string, meaning: string][] {
  return numbers.map((number) => {
    const note = footnotes[number - 1] ?? "";
    const [code = note] = note.split(":", 1);
    return [code, note.slice(code.length + 1).trim() || code];
  });
}

function notes({ footnotes, caption }: ResultsTable): HTMLElement {
  return h(
    "details",
    { class: "notes" },
    h("summary", {}, `Method and ${counted(footnotes.length, "footnote")}`),
    h("ol", { class: "footnotes" }, ...footnotes.map((text) => h("li", {}, text))),
    ...caption.map((line) => h("p", {}, line)),
  );
}
