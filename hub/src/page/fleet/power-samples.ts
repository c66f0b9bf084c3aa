import type { Channel, LiveSample, TelemetryBatch } from "@edgewatt/protocol";

/** One row of stream `power`. */
export interface PowerSample {
  readonly channel: string;
  /** When it was taken by the device's clock, µs since the epoch. */
  readonly timeUs: number;
  readonly w: number;
  readonly wMin: number;
  readonly wMax: number;
  readonly source: string | undefined;
  /** The run in whose measured window it was taken. */
  readonly run: string | undefined;
}

/** A measured window that an agent has told after its end. */
export interface RunWindow {
  readonly run: string;
  /** What was measured: `mobilenetv1-cifar10-p00 int8`. */
  readonly title: string;
  /** On the clock of the device, ms since the epoch. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** The rows of a batch of telemetry in stream `power`; a row without watts is left out. */
export function* storedSamples(batch: TelemetryBatch): Generator<PowerSample> {
  for (const [channel, columns] of Object.entries(batch.ch)) {
    const { t0, dt } = columns;
    for (let row = 0; row < dt.length; row++) {
      const sample = sampleOf(channel, t0 + (dt[row] ?? 0), (name) => cellOf(columns, name, row));
      if (sample !== undefined) yield sample;
    }
  }
}

/** The newest values of a live message of stream `power`. */
export function* liveSamples(message: LiveSample): Generator<PowerSample> {
  for (const [channel, cells] of Object.entries(message.ch)) {
    const sample = sampleOf(channel, cells.t, (name) => cells[name]);
    if (sample !== undefined) yield sample;
  }
}

/** The measured windows that a batch of stream `event` tells of. */
export function* windowsOf(batch: TelemetryBatch): Generator<RunWindow> {
  for (const columns of Object.values(batch.ch)) {
    for (let row = 0; row < columns.dt.length; row++) {
      const cell = (name: string) => cellOf(columns, name, row);
      const [run, title, toMs] = [cell("run"), cell("title"), cell("timeEnd")];
      if (cell("kind") !== "window" || typeof run !== "string" || typeof toMs !== "number") continue;
      const fromMs = (columns.t0 + (columns.dt[row] ?? 0)) / 1000;
      yield { run, title: typeof title === "string" ? title : run, fromMs, toMs };
    }
  }
}

/** The value of a column in a row: a column may be one value that holds for all rows. */
export function cellOf(columns: Channel, name: string, row: number): unknown {
  const column: unknown = columns[name];
  return Array.isArray(column) ? column[row] : column;
}

function sampleOf(channel: string, timeUs: number, cell: (name: string) => unknown): PowerSample | undefined {
  const w = cell("w");
  if (typeof w !== "number") return undefined;
  const [wMin, wMax, source, run] = [cell("wMin"), cell("wMax"), cell("source"), cell("run")];
  return {
    channel,
    timeUs,
    w,
    wMin: typeof wMin === "number" ? wMin : w,
    wMax: typeof wMax === "number" ? wMax : w,
    source: typeof source === "string" ? source : undefined,
    run: typeof run === "string" ? run : undefined,
  };
}
