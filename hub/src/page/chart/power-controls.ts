import { h, setText } from "../dom.ts";

const SPANS_MIN = [1, 5, 10] as const;
const DEFAULT_MIN = 5;

export interface ControlHandlers {
  /** Another span of time is to be shown, ms. */
  readonly onSpan: (spanMs: number) => void;
  readonly onPause: (isPaused: boolean) => void;
}

/** What the chart can be told: how much time it shows, and to stand still. */
export class PowerControls {
  readonly element: HTMLElement;
  readonly #pause = h("button", { type: "button", "aria-pressed": "false" }, "Pause");
  readonly #readout = h("p", { class: "power-readout muted" });
  readonly #spoken = h("p", { class: "power-spoken", role: "status" });
  readonly #handlers: ControlHandlers;
  #isPaused = false;

  constructor(handlers: ControlHandlers) {
    this.#handlers = handlers;
    this.#pause.addEventListener("click", () => this.togglePause());
    const spans = SPANS_MIN.map((minutes) => {
      const input = h("input", { type: "radio", name: "power-span", value: String(minutes) });
      input.checked = minutes === DEFAULT_MIN;
      input.addEventListener("change", () => handlers.onSpan(minutes * 60_000));
      return h("label", {}, input, h("span", {}, `${minutes} min`));
    });
    const group = h("div", { class: "power-spans", role: "radiogroup", "aria-label": "Time shown" }, ...spans);
    this.element = h("div", { class: "power-controls" }, group, this.#pause, this.#readout, this.#spoken);
  }

  /** What is shown before anything is chosen, ms. */
  static readonly defaultSpanMs = DEFAULT_MIN * 60_000;

  togglePause(): void {
    this.#isPaused = !this.#isPaused;
    this.#pause.ariaPressed = String(this.#isPaused);
    this.#handlers.onPause(this.#isPaused);
  }

  /** What is pointed at, for the eye. */
  tell(text: string): void {
    setText(this.#readout, text);
  }

  /** The same with its values, for a screen reader; only when it was asked for by key or touch. */
  speak(text: string): void {
    setText(this.#spoken, text);
  }
}
