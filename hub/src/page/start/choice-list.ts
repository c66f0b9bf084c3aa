import { h, keyed, setText } from "../dom.ts";

/** Something that can be ticked. */
export interface Option {
  readonly value: string;
  readonly label: string;
  readonly detail: string;
  /** Why it cannot be chosen now. */
  readonly obstacle?: string | undefined;
}

interface Item {
  readonly element: HTMLElement;
  readonly input: HTMLInputElement;
  readonly detail: HTMLElement;
}

/** Check boxes or radio buttons whose options may change while somebody chooses. */
export class ChoiceList {
  readonly #parent: HTMLElement;
  readonly #kind: "checkbox" | "radio";
  readonly #name: string;
  readonly #items = new Map<string, Item>();

  constructor(parent: HTMLElement, options: { kind: "checkbox" | "radio"; name: string }) {
    this.#parent = parent;
    this.#kind = options.kind;
    this.#name = options.name;
  }

  /** What stays keeps its tick. */
  show(options: readonly Option[]): void {
    keyed(this.#parent, this.#items, options, {
      key: ({ value }) => value,
      create: (option) => this.#create(option),
      update: ({ input, detail }, option) => {
        input.disabled = option.obstacle !== undefined;
        if (input.disabled) input.checked = false;
        setText(detail, option.obstacle ?? option.detail);
      },
    });
  }

  /** Values that are ticked, in the order of the options. */
  get chosen(): string[] {
    return this.#inputs()
      .filter(({ checked, disabled }) => checked && !disabled)
      .map(({ value }) => value);
  }

  choose(wanted: (value: string) => boolean): void {
    for (const input of this.#inputs()) input.checked = !input.disabled && wanted(input.value);
  }

  focus(): void {
    this.#inputs()
      .find(({ disabled }) => !disabled)
      ?.focus();
  }

  #inputs(): HTMLInputElement[] {
    return [...this.#parent.querySelectorAll("input")];
  }

  #create({ value, label }: Option): Item {
    const input = h("input", { type: this.#kind, name: this.#name, value });
    const detail = h("span", { class: "muted" });
    const element = h("label", { class: "choice" }, input, h("span", {}, h("strong", {}, label), " ", detail));
    return { element, input, detail };
  }
}
