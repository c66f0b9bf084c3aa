import type { ResultsTable } from "./api.ts";
import { h } from "./dom.ts";

const FIGURES: readonly (readonly [name: string, alt: string])[] = [
  ["latency-vs-pruning", "Latency against pruning"],
  ["energy-vs-pruning", "Energy against pruning"],
  ["accuracy-vs-pruning", "Accuracy against pruning"],
  ["accuracy-vs-params", "Accuracy against size"],
  ["pareto", "Accuracy against energy"],
];

/** The results table with its footnotes, and the figures; a text where there are no results yet. */
export function showResults(parent: Element, table: ResultsTable | null): void {
  if (table === null) {
    parent.replaceChildren(
      h(
        "p",
        { class: "card empty" },
        "No benchmark has succeeded yet. Start one: ",
        h("code", {}, "edgewatt benchmark"),
      ),
    );
    return;
  }
  parent.replaceChildren(grid(table), notes(table), figures(table));
}

function grid({ columns, rows }: ResultsTable): HTMLElement {
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
      ...cells.map(({ text, notes: marks }, index) => {
        const column = columns[index];
        const content = [text, ...(marks.length === 0 ? [] : [h("sup", {}, marks.join(","))])];
        const attributes = { class: column?.align ?? "left" };
        if (column?.key !== "model") return h("td", attributes, ...content);
        // On a phone the precision's own column is out of sight, and two rows would look the same.
        const tag = h("span", { class: "tag", "aria-hidden": "true" }, cells[precision]?.text ?? "");
        return h("th", { ...attributes, scope: "row" }, ...content, tag);
      }),
    ),
  );
  return h(
    "div",
    { class: "card scroll", role: "region", "aria-label": "Results table", tabindex: "0" },
    h("table", { id: "results-table" }, h("thead", {}, head), h("tbody", {}, ...body)),
  );
}

function notes({ footnotes, caption }: ResultsTable): HTMLElement {
  return h(
    "div",
    { class: "notes" },
    h("ol", { class: "footnotes" }, ...footnotes.map((text) => h("li", {}, text))),
    ...caption.map((line) => h("p", {}, line)),
  );
}

function figures(table: ResultsTable): HTMLElement {
  const version = hash(JSON.stringify(table));
  return h(
    "div",
    { class: "figures" },
    ...FIGURES.map(([name, alt]) =>
      h(
        "a",
        { class: "figure", href: `/api/figures/${name}.svg` },
        h("img", { src: `/api/figures/${name}.svg?${version}`, alt, width: "680", height: "412" }),
      ),
    ),
  );
}

/** Names a version of the table, so that the browser asks for new figures only when there are some. */
function hash(text: string): string {
  let value = 0;
  for (let i = 0; i < text.length; i++) value = (Math.imul(value, 31) + text.charCodeAt(i)) | 0;
  return (value >>> 0).toString(36);
}
