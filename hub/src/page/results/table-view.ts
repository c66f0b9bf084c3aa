import type { ResultsTable, TableCell } from "../api.ts";
import { h } from "../dom.ts";
import { explain } from "../tips.ts";
import { counted } from "../vendor/protocol/counted.js";

const CHIPS = 3;

/** A table in a region of its own that scrolls where it is too wide, with its footnotes below. */
export function tableView(table: ResultsTable, { id, label, heading }: { id: string; label: string; heading: string }) {
  const { columns, rows } = table;
  const head = h(
    "tr",
    {},
    ...columns.map(({ title, short, align }) => h("th", { scope: "col", class: align }, h("abbr", { title }, short))),
  );
  const precision = columns.findIndex(({ key }) => key === "precision");
  const body = rows.map((cells) =>
    h(
      "tr",
      {},
      ...cells.map((cell, index) => {
        const column = columns[index];
        if (column?.key === "flags") return h("td", { class: "flags" }, flags(cell, table));
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

/** The names of some flags and how many more there are; what they mean is a hover, focus or tap away. */
function flags({ text, notes: numbers }: TableCell, { footnotes }: ResultsTable): HTMLElement {
  if (numbers.length === 0) return h("span", { class: "muted" }, text);
  const tip = tipOf(numbers, footnotes);
  const hidden = Math.max(0, tip.length - CHIPS);
  const chips = tip.slice(0, CHIPS).map(([name]) => h("span", { class: "chip" }, name));
  if (hidden > 0) chips.push(h("span", { class: "chip more" }, `+${hidden}`));
  const all = h("button", { type: "button", class: "chips" }, ...chips);
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
