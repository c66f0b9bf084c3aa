/** What the time of the demo depends on. */
export interface DemoScale {
  readonly quick: boolean;
  readonly models: number;
  readonly precisions: number;
  readonly windows: number;
  readonly windowS: number;
  readonly accuracyImages: number;
}

/**
 * The parts of a row's time beside its windows, seconds; the agent keeps one process per row in a quick run alone. `checks` are of the
 * meter, once; `limit` is what the demo may take in all unless more is asked for.
 */
const FULL = { windows: 5, windowS: 10, perRow: 1, perWindow: 25, checks: 80, limit: 45 * 60 } as const;
const QUICK = { windows: 3, windowS: 2, perRow: 1.5, perWindow: 2.6, checks: 0, limit: 5 * 60 } as const;

/** Rounded up from two x86-64 cores; a statement for people who decide whether to wait, not part of the method. */
const START_S = 10;
const QUANTIZE_S = 6;
const ACCURACY_IMAGE_S = 0.002;

export function methodWindows(quick: boolean): { readonly windows: number; readonly windowS: number } {
  return quick ? QUICK : FULL;
}

/** The time that a demo takes besides its measured windows, seconds. */
export function overheadSeconds({ quick, models, precisions, accuracyImages }: DemoScale): number {
  const { checks } = quick ? QUICK : FULL;
  return START_S + checks + models * QUANTIZE_S + models * precisions * accuracyImages * ACCURACY_IMAGE_S;
}

/** How long a demo will take whose figures agree after the windows of the method, seconds. */
export function expectedSeconds(scale: DemoScale): number {
  const { perRow, perWindow } = scale.quick ? QUICK : FULL;
  const rows = scale.models * scale.precisions;
  return overheadSeconds(scale) + rows * (perRow + scale.windows * (scale.windowS + perWindow));
}

/** How long a demo may take at most, seconds, where nobody says: what precision or a slow machine takes more ends there. */
export function limitSeconds(scale: DemoScale): number {
  return Math.max((scale.quick ? QUICK : FULL).limit, expectedSeconds(scale));
}

/** `3 minutes`; nobody plans by seconds. */
export function inMinutes(seconds: number): string {
  const minutes = Math.ceil(seconds / 60);
  return minutes === 1 ? "a minute" : `${minutes} minutes`;
}
