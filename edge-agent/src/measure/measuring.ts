/** Which measured window is open now; telemetry marks its rows with it, and strict windows keep the agent silent. */
export class Measuring {
  readonly #onChange: (strict: { untilMs: number } | undefined) => void;
  #open: { run: string; sinceUs: number; strict: boolean } | undefined;

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

  /** Announces strict silence before the window, since nothing may be sent inside. */
  prepare({ strict, untilMs }: { strict: boolean; untilMs: number }): void {
    if (strict) this.#onChange({ untilMs });
  }

  begin(run: string, sinceUs: number, strict: boolean): void {
    this.#open = { run, sinceUs, strict };
  }

  end(): void {
    const strict = this.#open?.strict === true;
    this.#open = undefined;
    if (strict) this.#onChange(undefined);
  }
}
