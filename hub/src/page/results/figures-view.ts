import type { FigureFacts } from "../api.ts";
import { h } from "../dom.ts";

/** What is measured comes before what follows from it; a figure that is not named here comes last. */
const ORDER = ["latency-vs-pruning", "energy-vs-pruning", "accuracy-vs-pruning", "accuracy-vs-params", "pareto"];

function placeOf({ name }: FigureFacts): number {
  const place = ORDER.indexOf(name);
  return place === -1 ? ORDER.length : place;
}

/** Drawings of one size, each with its data in words. */
export function figuresView(figures: readonly FigureFacts[], query: string): HTMLElement {
  return h(
    "div",
    { class: "figures" },
    ...figures
      .toSorted((a, b) => placeOf(a) - placeOf(b))
      .map(({ name, title, description }) => {
        const address = `/api/figures/${name}.svg${query}`;
        const version = `${query === "" ? "?" : "&"}v=${hash(description)}`;
        return figureView({ title, description, address, source: address + version, width: "680", height: "412" });
      }),
  );
}

/** @param figure.source the address with what tells this version of the drawing from others */
export function figureView(figure: {
  readonly title: string;
  readonly description: string;
  readonly address: string;
  readonly source: string;
  readonly width?: string;
  readonly height?: string;
}): HTMLElement {
  const { title, description, address, source, width, height } = figure;
  const size = width === undefined || height === undefined ? {} : { width, height };
  return h(
    "figure",
    { class: "figure" },
    h(
      "a",
      { href: address, "aria-label": `${title}: the drawing alone` },
      h("img", { src: source, alt: title, ...size }),
    ),
    h("figcaption", {}, h("details", {}, h("summary", {}, `${title} in words`), h("p", {}, description))),
  );
}

/** Names a version, so that the browser asks for a new drawing only when there is one. */
function hash(text: string): string {
  let value = 0;
  for (let i = 0; i < text.length; i++) value = (Math.imul(value, 31) + text.charCodeAt(i)) | 0;
  return (value >>> 0).toString(36);
}
