/** Which measured window is open now; telemetry marks its rows with it, and strict windows keep the agent silent. */
export class Measuring {
  readonly #onChange: (strict: { untilMs: number } | undefined) => void;
  #open: { run: string; sinceUs: number } | undefined;
  #strict = false;

  /** @param onChange a strict window begins, and how long it takes at least; or it ended */
  constructor(onChange: (strict: { untilMs: number } | undefined) => void) {
    this.#onChange = onChange;
  }

  get active(): boolean {
    return this.#open !== undefined;
  }

  /** The run that a row stamped at `tUs` belongs to. */
  runAt(tUs: number): string | undefined {
    return this.#open !== undefined && tUs > this.#open.sinceUs ? this.#open.run : undefined;
  }

  /** Begins strict silence ahead of the window, since nothing may be sent inside. */
  beSilent(untilMs: number): void {
    this.#strict = true;
    this.#onChange({ untilMs });
  }

  begin(run: string, sinceUs: number): void {
    this.#open = { run, sinceUs };
  }

  end(): void {
    this.#open = undefined;
    if (!this.#strict) return;
    this.#strict = false;
    this.#onChange(undefined);
  }
}
