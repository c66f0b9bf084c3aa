/** One line of `bench/results.json`. */
export interface BenchResult {
  /** Suite, then what was measured: `quantizer/minmax/wall`. */
  readonly name: string;
  /** Null where it could not be measured; `note` says why. */
  readonly value: number | null;
  readonly unit: string;
  /** What `value` is compared with: another tool, or a limit. */
  readonly peer: string | null;
  readonly peerValue: number | null;
  /** `value` ÷ `peerValue`, both from the same run; null where either is missing. */
  readonly ratio: number | null;
  /** What the ratio should be, such as `<= 0.5`; null where nothing was promised. */
  readonly goal: string | null;
  /** Whether the ratio reaches the goal; null where one of them is missing. */
  readonly ok: boolean | null;
  readonly note: string | null;
}

export interface BenchContext {
  /** A line for the person who waits, on stderr. */
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
  /** Whether a result of that name was asked for; suites that take long leave out the work for others. */
  readonly wanted: (name: string) => boolean;
}

/** Benchmarks that share their preparation. */
export interface Suite {
  /** Results yield them as soon as they are known, each under a name that begins with the suite's. */
  run(context: BenchContext): AsyncIterable<BenchResult>;
}

/** A limit for `value` ÷ `peerValue`. */
export interface Goal {
  readonly comparison: "<=" | ">=";
  readonly ratio: number;
}

/** Makes a result of two figures of the same run; a missing peer leaves the ratio open. */
export function compare(
  measured: {
    readonly name: string;
    readonly value: number;
    readonly unit: string;
    readonly peer: string | null;
    readonly peerValue: number | null;
    readonly note?: string;
  },
  goal: Goal | null,
): BenchResult {
  const { value, peerValue } = measured;
  const ratio = peerValue === null || peerValue === 0 ? null : value / peerValue;
  const reached = (found: number, { comparison, ratio: limit }: Goal): boolean =>
    comparison === "<=" ? found <= limit : found >= limit;
  return {
    name: measured.name,
    value,
    unit: measured.unit,
    peer: measured.peer,
    peerValue,
    ratio,
    goal: goal === null ? null : `${goal.comparison} ${goal.ratio}`,
    ok: ratio === null || goal === null ? null : reached(ratio, goal),
    note: measured.note ?? null,
  };
}

/** A result that says only why there is none. */
export function unmeasured(name: string, unit: string, note: string): BenchResult {
  return { name, value: null, unit, peer: null, peerValue: null, ratio: null, goal: null, ok: null, note };
}
