import type { Channel, PowerSource, Precision, Stream } from "@edgewatt/protocol";

/** One has a meter; the other is estimated, and once by what the firmware tells. */
export const METERED = "pi-metered";
export const ESTIMATED = "pi-estimated";

interface Row {
  readonly model: string;
  readonly pruning: number;
  readonly precision: Precision;
  readonly latencyMs: number;
  readonly grossMj: number;
  readonly accuracyPct: number | null;
}

/** On the front of energy and accuracy are the rows of 10, 20 and 60 mJ: that of 20 mJ beats those of 30 and, as accurate, of 50. */
export const ROWS: readonly Row[] = [
  { model: "net-p00", pruning: 0, precision: "fp32", latencyMs: 12, grossMj: 60, accuracyPct: 89 },
  { model: "net-p00", pruning: 0, precision: "int8", latencyMs: 6, grossMj: 30, accuracyPct: 87.5 },
  { model: "net-p20", pruning: 0.2, precision: "fp32", latencyMs: 10, grossMj: 50, accuracyPct: 88 },
  { model: "net-p20", pruning: 0.2, precision: "int8", latencyMs: 4, grossMj: 20, accuracyPct: 88 },
  { model: "net-p40", pruning: 0.4, precision: "fp32", latencyMs: 8, grossMj: 40, accuracyPct: null },
  { model: "net-p40", pruning: 0.4, precision: "int8", latencyMs: 2, grossMj: 10, accuracyPct: 85 },
];

export const jobOf = (device: string): string =>
  device === METERED ? "01ARZ3NDEKTSV4RRFFQ69G5FAV" : "01ARZ3NDEKTSV4RRFFQ69G5FAW";
export const OLDER_JOB = "01ARZ3NDEKTSV4RRFFQ69G5FAA";

/** Parameters of the model before pruning. */
const PARAMS = 3_217_226;
const WINDOW_US = 100_000;
const BETWEEN_WINDOWS_US = 50_000;
/** From the begin of a row's first window to that of the next row's, and to the end of its last. */
export const BETWEEN_ROWS_US = 400_000;
export const WINDOWS_US = 2 * WINDOW_US + BETWEEN_WINDOWS_US;
/** What the first row's inferences took. */
export const LATENCIES_MS: readonly number[] = Array.from({ length: 100 }, (_, i) => i + 1);

function sourceOf(device: string, { model, precision }: Row): PowerSource {
  if (device === METERED) return "ina226";
  return model === "net-p40" && precision === "fp32" ? "pmic" : "estimate";
}

function summary(device: string, row: Row, index: number, atUs: number): Channel {
  const { model, pruning, precision, latencyMs, grossMj, accuracyPct } = row;
  return {
    t0: atUs,
    dt: [0],
    model,
    precision,
    pruning: String(pruning),
    pruningFraction: pruning,
    fineTuneEpochs: 5,
    params: Math.round(PARAMS * (1 - pruning)),
    fileSizeMb: 3.4,
    maxMemoryMb: 100,
    memoryBaselineMb: 60,
    memorySessionMb: 24,
    memoryModelMb: 16,
    latencyMs,
    latencyP50Ms: latencyMs,
    latencyP95Ms: latencyMs + 1,
    latencyP99Ms: latencyMs + 2,
    latencyHalfWidthMs: 0.1,
    imageMs: latencyMs,
    maxPowerW: 6,
    maxPower10msW: 5.5,
    meanPowerW: 5,
    idlePowerW: 2,
    energyGrossMj: grossMj,
    energyGrossHalfWidthMj: 1,
    energyGrossMeterMj: 0.5,
    energyNetMj: grossMj / 2,
    energyNetHalfWidthMj: 1,
    energyNetMeterMj: 0.5,
    accuracyPct: [accuracyPct],
    powerSource: sourceOf(device, row),
    flags: index === 0 ? "quick: 3 windows of 2 s; gc: 1 %" : "",
    run: `${jobOf(device)}/${index}`,
  };
}

/** The two windows of a row. */
function windows(device: string, { model, precision }: Row, index: number, t0: number): Record<string, Channel> {
  return Object.fromEntries(
    [0, 1].map((window) => {
      const begin = t0 + index * BETWEEN_ROWS_US + window * (WINDOW_US + BETWEEN_WINDOWS_US);
      return [
        `run_event/${index}/${window}`,
        {
          t0: begin,
          dt: [0],
          kind: "window",
          title: `${model} ${precision}`,
          text: `window ${window + 1}`,
          tags: "window",
          timeEnd: (begin + WINDOW_US) / 1000,
          run: `${jobOf(device)}/${index}`,
        },
      ];
    }),
  );
}

function layers(t0: number): Record<string, Channel> {
  // By name the second would be the first.
  const all = ["stem", "body", "head"];
  const perLayer = all.flatMap((layer, index) => {
    const common = { t0, dt: [0], model: "net-p00", layer, index, weightsPct: 10 * (index + 1), run: jobOf(METERED) };
    return [
      [
        `layer/int8/${layer}`,
        {
          ...common,
          precision: "int8",
          timePct: 20 + index,
          energyPct: 20 + index,
          sqnrDb: 40 - index,
          accuracyDropPt: index / 10,
        },
      ],
      [`layer/fp32/${layer}`, { ...common, precision: "fp32", timePct: 30 + index, energyPct: 30 + index }],
    ] as const;
  });
  return Object.fromEntries(perLayer);
}

function inferences(device: string, { model, precision }: Row, t0: number): Channel {
  const dt = LATENCIES_MS.map((_, index) => index * 1000);
  return { t0, dt, model, precision, latencyMs: [...LATENCIES_MS], run: `${jobOf(device)}/0` };
}

/** A study of three models in two precisions, and one row of an earlier run, better in everything. */
export function studyTelemetry(device: string, t0: number): [Stream, Record<string, Channel>][] {
  const [first] = ROWS;
  if (first === undefined) throw new Error("a study has rows");
  const older: Row = { ...first, latencyMs: 1, grossMj: 1, accuracyPct: 99 };
  return [
    ["inference", { inference: inferences(device, first, t0) }],
    [
      "event",
      Object.assign({}, ...ROWS.map((row, index) => windows(device, row, index, t0))) as Record<string, Channel>,
    ],
    [
      "summary",
      {
        "run_summary/older": {
          ...summary(device, older, 0, t0 - 2_000_000),
          run: `${device === METERED ? OLDER_JOB : `${OLDER_JOB}B`}/0`,
        },
      },
    ],
    [
      "summary",
      Object.fromEntries(ROWS.map((row, index) => [`run_summary/${index}`, summary(device, row, index, t0 + index)])),
    ],
    ...(device === METERED ? ([["summary", layers(t0)]] as [Stream, Record<string, Channel>][]) : []),
  ];
}
