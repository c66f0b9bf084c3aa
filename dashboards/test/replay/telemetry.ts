import type { Channel, Stream } from "@edgewatt/protocol";

export const JOB = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
export const OLDER_JOB = "01ARZ3NDEKTSV4RRFFQ69G5FAA";
export const MODEL = "mobilenet";
/** A name with characters of regular expressions, and one that begins like a number. */
export const ODD_MODEL = "0.5x net+(a)/b[c]";
export const PRECISIONS = ["fp32", "int8"] as const;
/** The first is the beginning of the second, the third begins like a number. */
export const DEVICES = ["pi-1", "pi-10", "3b-pi"] as const;
export const THROTTLED = 0x50005;

const STEP_US = 100_000;
const STEPS = 50;
const LAYERS = 3;
const WATTS = 4;

/** Between the first and the last of the points. */
export const SPAN_US = (STEPS - 1) * STEP_US;
export const JOULES = (WATTS * SPAN_US) / 1e6;

/** A row of the results table as the agent sends it. */
function summary(model: string, precision: string, index: number, atUs: number): Channel {
  return {
    t0: atUs,
    dt: [0],
    model,
    precision,
    pruning: "0.5",
    pruningFraction: 0.5,
    fineTuneEpochs: 4,
    params: 1_588_917,
    fileSizeMb: 6.4,
    maxMemoryMb: 80,
    memoryBaselineMb: 50,
    memorySessionMb: 12,
    memoryModelMb: 30,
    latencyMs: 12.5 + index,
    latencyP50Ms: 12,
    latencyP95Ms: 14,
    latencyP99Ms: 15,
    latencyHalfWidthMs: 0.1,
    imageMs: 12.6,
    maxPowerW: 6,
    maxPower10msW: 5.6,
    meanPowerW: 5,
    idlePowerW: 2,
    energyGrossMj: 63,
    energyGrossHalfWidthMj: 1,
    energyGrossRepetitionMj: 0.6,
    energyGrossMeterMj: 0.8,
    energyNetMj: 37,
    energyNetHalfWidthMj: 1,
    energyNetRepetitionMj: 0.8,
    energyNetMeterMj: 0.6,
    accuracyPct: 91.2,
    powerSource: index < PRECISIONS.length ? "estimate" : "ina219",
    flags: "quick",
    run: `${JOB}/${index}`,
  };
}

/** What an agent sends during a job, batch by batch: every measurement, and every field of it. */
export function telemetry(device: string, t0: number): [Stream, Record<string, Channel>][] {
  const dt = Array.from({ length: STEPS }, (_, i) => i * STEP_US);
  const at = { t0, dt };
  const once = { t0, dt: [0] };
  const rows = [MODEL, ODD_MODEL].flatMap((model) => PRECISIONS.map((precision) => ({ model, precision })));
  const power = { ...at, w: dt.map(() => WATTS), wMin: 3, wMax: 5, v: 5.1, a: 0.8, run: `${JOB}/0` };
  const perRow = (key: string, channel: (row: (typeof rows)[number], index: number) => Channel) =>
    Object.fromEntries(rows.map((row, index) => [`${key}/${row.model}/${row.precision}`, channel(row, index)]));
  return [
    ["power", { main: { ...power, source: "ina226" }, board: { ...power, source: "estimate" } }],
    [
      "system",
      {
        system: {
          ...at,
          tempC: 50,
          cpuPct: 80,
          freqMhz: 1800,
          memMb: 500,
          load1: 0.7,
          throttled: dt.map((_, i) => (i === STEPS / 2 ? THROTTLED : 0)),
        },
        device: { ...at, state: "measuring", job: JOB, jobState: "running", sync: true },
        pipeline: {
          ...once,
          service: "agent",
          id: device,
          device,
          points: 100,
          acks: 20,
          batches: 20,
          spoolBatches: 2,
          spoolAgeS: 0.5,
          dropped: 3,
          queue: 1,
        },
      },
    ],
    ["inference", perRow("inference", (row, index) => ({ ...at, ...row, latencyMs: 12, run: `${JOB}/${index}` }))],
    [
      "event",
      {
        run_event: {
          ...once,
          kind: "window",
          title: `${MODEL} fp32`,
          text: "window 1: 50 inferences",
          tags: "window,fp32",
          timeEnd: (t0 + SPAN_US) / 1000,
          run: `${JOB}/0`,
        },
        "gap/power": { ...once, stream: "power", lost: 7 },
      },
    ],
    [
      "summary",
      { "run_summary/older": { ...summary(MODEL, "fp32", 0, t0 - 1), latencyMs: 99, run: `${OLDER_JOB}/0` } },
    ],
    ["summary", perRow("run_summary", ({ model, precision }, index) => summary(model, precision, index, t0 + index))],
    [
      "summary",
      Object.fromEntries(
        Array.from({ length: LAYERS }, (_, index) => index).flatMap((index) =>
          rows.map(({ model, precision }) => [
            `layer/${model}/${precision}/${index}`,
            {
              ...once,
              model,
              precision,
              layer: `conv${index}`,
              index,
              timePct: 30,
              energyPct: 30,
              weightsPct: 30,
              sqnrDb: 30,
              accuracyDropPt: 0.1,
              run: `${JOB}/0`,
            },
          ]),
        ),
      ),
    ],
  ];
}
