import type { Context } from "./context.ts";

const CLEAR_LINE = "\r\u001B[2K";
const DEFAULT_COLUMNS = 80;

/** One line on a terminal that says how far the work is; nothing at all in a pipe. */
export class Progress implements Disposable {
  readonly #context: Context;
  readonly #parts = new Map<string, string>();
  #shown = false;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Shows the newest text of one of several things that go on at once. */
  update(part: string, text: string): void {
    const { stderr } = this.#context;
    if (stderr.isTTY !== true) return;
    this.#parts.set(part, text);
    const line = [...this.#parts.values()].join(" · ").slice(0, (stderr.columns ?? DEFAULT_COLUMNS) - 1);
    stderr.write(`${CLEAR_LINE}${line}`);
    this.#shown = true;
  }

  /** A lasting line above the progress: shown in a pipe too. */
  note(text: string): void {
    this.#clear();
    this.#context.stderr.write(`${text}\n`);
  }

  [Symbol.dispose](): void {
    this.#parts.clear();
    this.#clear();
  }

  #clear(): void {
    if (this.#shown) this.#context.stderr.write(CLEAR_LINE);
    this.#shown = false;
  }
}
