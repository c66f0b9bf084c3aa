import { MEASUREMENTS, type Measurement, type Stream } from "@edgewatt/protocol";

/** A point as a comparison sees it. */
export interface Point {
  /** Measurement, tags and time: what two points must not share. */
  readonly id: string;
  readonly measurement: string;
  readonly device: string;
  /** µs since the epoch. */
  readonly tUs: number;
  /** All fields, in one text. */
  readonly fields: string;
}

type Cell = string | number | boolean | null | undefined;

/** What devices take; services write measurements about themselves, which nobody promises to keep. */
export const DEVICE_MEASUREMENTS: readonly Measurement[] = Object.values<Measurement>(MEASUREMENTS).filter(
  ({ stream }) => stream !== null,
);

/** @returns `undefined` for a point without any field, which no database can hold */
export function makePoint(
  measurement: Measurement,
  tUs: number,
  cells: { readonly tag: (name: string) => Cell; readonly field: (name: string) => Cell },
): Point | undefined {
  const fields = measurement.fields.flatMap(({ name }) => {
    const value = cells.field(name);
    return value === null || value === undefined ? [] : [`${name}=${JSON.stringify(value)}`];
  });
  if (fields.length === 0) return undefined;
  const tags = measurement.tags.map(({ name }) => `${name}=${String(cells.tag(name) ?? "")}`);
  return {
    id: `${measurement.name},${tags.join(",")} ${tUs}`,
    measurement: measurement.name,
    device: String(cells.tag("device")),
    tUs,
    fields: fields.join(","),
  };
}

/** A batch of telemetry as it stands in the spool, read without the product's decoder. */
export interface TakenBatch {
  readonly device: string;
  readonly stream: Stream;
  readonly boot: number;
  readonly seq: number;
  readonly job: string | undefined;
  /** Where it was seen: on the agent's disk, or on its way to the broker. */
  readonly from: "spool" | "wire";
  /** The encoded batch. */
  readonly text: string;
  readonly points: readonly Point[];
  /** When the harness first saw it, on `performance.now()`. */
  readonly seenMs: number;
}

interface BatchDocument {
  readonly boot: number;
  readonly seq: number;
  readonly job?: string;
  readonly ch: Record<string, { t0: number; dt: number[] } & Record<string, Cell | Cell[]>>;
}

export function readBatch(
  { device, stream, from }: Pick<TakenBatch, "device" | "stream" | "from">,
  text: string,
): TakenBatch {
  const { boot, seq, job, ch } = JSON.parse(text) as BatchDocument;
  const points = Object.entries(ch).flatMap(([key, { t0, dt, ...columns }]) => {
    const measurement = measurementFor(stream, key);
    if (measurement === undefined) return [];
    const cell = (column: string | undefined, row: number): Cell => {
      const cells = column === undefined ? undefined : columns[column];
      return Array.isArray(cells) ? cells[row] : cells;
    };
    const columnOfField = new Map(measurement.fields.map(({ name, column }) => [name, column]));
    return dt.flatMap((offset, row) => {
      const point = makePoint(measurement, t0 + offset, {
        field: (name) => cell(columnOfField.get(name), row),
        tag: (name) => {
          const tag = measurement.tags.find((candidate) => candidate.name === name)?.from;
          if (tag === "device") return device;
          return tag === "channel" ? key : cell(tag?.column, row);
        },
      });
      return point === undefined ? [] : [point];
    });
  });
  return { device, stream, from, boot, seq, job, text, points, seenMs: performance.now() };
}

function measurementFor(stream: Stream, key: string): Measurement | undefined {
  return DEVICE_MEASUREMENTS.find(
    ({ stream: of, name }) => of === stream && (of === "power" || key.split("/")[0] === name),
  );
}
