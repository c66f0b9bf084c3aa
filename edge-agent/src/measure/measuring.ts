/**
 * Whether a stretch is measured now, idle or window, which one is open as a window, and whether the agent is silent in it. Window and
 * idle stretches must differ by the model alone, so what is sent in one is sent in the other: telemetry, or with `--strict` nothing, and
 * never live values.
 */
export class Measuring {
  readonly #onChange: (strict: { untilMs: number } | undefined) => void;
  #open: { run: string; sinceUs: number } | undefined;
  #quiet = false;
  #strict = false;
  #after: (() => void) | undefined;

  /** @param onChange a strict stretch begins, and how long it takes at least; or it ended */
  constructor(onChange: (strict: { untilMs: number } | undefined) => void) {
    this.#onChange = onChange;
  }

  get active(): boolean {
    return this.#quiet || this.#open !== undefined;
  }

  /** The run that a row stamped at `tUs` belongs to. */
  runAt(tUs: number): string | undefined {
    return this.#open !== undefined && tUs > this.#open.sinceUs ? this.#open.run : undefined;
  }

  /** Runs it now, or after the stretch that is open; of several that wait only the newest. */
  afterStretch(action: () => void): void {
    if (this.active) this.#after = action;
    else action();
  }

  /** Ahead of a stretch, since what this sends may not be sent inside. @param untilMs of a strict one, when it ends at the earliest */
  beQuiet(untilMs: number | undefined): void {
    this.#quiet = true;
    if (untilMs === undefined) return;
    this.#strict = true;
    this.#onChange({ untilMs });
  }

  /** A window opens in a quiet stretch. */
  begin(run: string, sinceUs: number): void {
    this.#open = { run, sinceUs };
  }

  end(): void {
    this.#open = undefined;
    this.#quiet = false;
    if (this.#strict) {
      this.#strict = false;
      this.#onChange(undefined);
    }
    const after = this.#after;
    this.#after = undefined;
    after?.();
  }
}
