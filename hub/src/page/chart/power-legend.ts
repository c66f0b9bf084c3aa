import { h, keyed, setText } from "../dom.ts";
import { BY_NAME, watts } from "../format.ts";
import type { PowerLine } from "./power-lines.ts";

interface Entry {
  readonly element: HTMLElement;
  readonly button: HTMLButtonElement;
  readonly value: HTMLElement;
}

export interface LegendHandlers {
  /** A line was shown or hidden. */
  readonly onToggle: () => void;
  /** A line is pointed at, or none any more. */
  readonly onFocus: (line: PowerLine | undefined) => void;
}

/** The lines by name and colour, each a switch that shows or hides its line; those that are estimates say so and are dashed. */
export class PowerLegend {
  readonly element = h("ul", { class: "power-legend", "aria-label": "Lines of the chart" });
  readonly #more = h("li", { class: "muted" });
  readonly #all = h("button", { type: "button", class: "power-all" });
  readonly #entries = new Map<string, Entry>();
  readonly #handlers: LegendHandlers;
  #lines: readonly PowerLine[] = [];

  constructor(handlers: LegendHandlers) {
    this.#handlers = handlers;
    this.#all.addEventListener("click", () => {
      const isShown = !this.#lines.some((line) => line.isShown);
      for (const line of this.#lines) line.isShown = isShown;
      handlers.onToggle();
    });
  }

  /**
   * @param valueOf what is told of a line now, W
   * @param refused lines that the chart has no room for
   */
  show(lines: readonly PowerLine[], valueOf: (line: PowerLine) => number | undefined, refused: number): void {
    this.#lines = lines;
    const sorted = [...lines].sort((a, b) => BY_NAME.compare(a.name, b.name));
    keyed(this.element, this.#entries, sorted, {
      key: ({ name }) => name,
      create: (line) => this.#create(line),
      update: ({ button, value }, line) => {
        if (button.ariaPressed !== String(line.isShown)) button.ariaPressed = String(line.isShown);
        const power = valueOf(line);
        setText(value, power === undefined ? "–" : `${watts(power)} W`);
      },
    });
    if (lines.length > 1) {
      setText(this.#all, lines.some(({ isShown }) => isShown) ? "Hide all" : "Show all");
      if (this.#all.parentElement === null) this.element.append(h("li", {}, this.#all));
    }
    if (refused > 0) {
      setText(this.#more, `${refused} more channels are not drawn`);
      this.element.append(this.#more);
    } else this.#more.remove();
  }

  #create({ name, colour, estimate }: PowerLine): Entry {
    const swatch = swatchOf(colour, estimate);
    const value = h("span", { class: "power-value" }, "–");
    const button = h("button", { type: "button", "aria-pressed": "true" }, swatch, h("span", {}, name), value);
    const line = () => this.#lines.find((candidate) => candidate.name === name);
    button.addEventListener("click", () => {
      const clicked = line();
      if (clicked === undefined) return;
      clicked.isShown = !clicked.isShown;
      this.#handlers.onToggle();
    });
    for (const event of ["pointerenter", "focus"]) button.addEventListener(event, () => this.#handlers.onFocus(line()));
    for (const event of ["pointerleave", "blur"]) {
      button.addEventListener(event, () => this.#handlers.onFocus(undefined));
    }
    return { element: h("li", {}, button), button, value };
  }
}

/** A drawing and no styled element: the page's policy allows no styles in attributes. */
function swatchOf(colour: string, estimate: boolean): SVGSVGElement {
  const space = "http://www.w3.org/2000/svg";
  const swatch = document.createElementNS(space, "svg");
  const stroke = document.createElementNS(space, "path");
  const drawn = {
    d: "M0 5H18",
    stroke: colour,
    "stroke-width": "3",
    ...(estimate ? { "stroke-dasharray": "5 2" } : {}),
  };
  for (const [name, value] of Object.entries({ width: "18", height: "10", "aria-hidden": "true" })) {
    swatch.setAttribute(name, value);
  }
  for (const [name, value] of Object.entries(drawn)) stroke.setAttribute(name, value);
  swatch.append(stroke);
  return swatch;
}
