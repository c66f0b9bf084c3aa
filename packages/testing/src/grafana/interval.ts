const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Steps of Grafana's intervals in ms: below the first number of a pair it is the second (`rangeUtil.roundInterval`). */
const STEPS: readonly (readonly [below: number, ms: number])[] = [
  [10, 1],
  [15, 10],
  [35, 20],
  [75, 50],
  [150, 100],
  [350, 200],
  [750, 500],
  [1500, 1000],
  [3500, 2000],
  [7500, 5000],
  [12_500, 10_000],
  [17_500, 15_000],
  [25_000, 20_000],
  [45_000, 30_000],
  [90_000, 60_000],
  [210_000, 120_000],
  [450_000, 300_000],
  [750_000, 600_000],
  [1_050_000, 900_000],
  [1_500_000, 1_200_000],
  [2_700_000, 1_800_000],
  [5_400_000, 3_600_000],
  [9_000_000, 7_200_000],
  [16_200_000, 10_800_000],
  [32_400_000, 21_600_000],
  [86_400_000, 43_200_000],
  [604_800_000, 86_400_000],
];

/** A duration as Grafana writes it, `100ms` or `5m`, in ms; `now-5m` is how far back it is. */
export function grafanaMs(text: string): number {
  const [, number, unit = ""] = /^(?:now-)?(\d+)(ms|s|m|h|d)$/.exec(text) ?? [];
  return Number(number) * (UNIT_MS[unit] ?? Number.NaN);
}

/** The interval that Grafana chooses for a range, a number of values and a lowest interval. */
export function grafanaIntervalMs(rangeMs: number, values: number, lowest: string | undefined): number {
  const wanted = rangeMs / values;
  const rounded = STEPS.find(([below]) => wanted < below)?.[1] ?? 604_800_000;
  return Math.max(rounded, lowest === undefined ? 1 : grafanaMs(lowest));
}
