import { encodeMessage, formatTopic } from "@edgewatt/protocol";

/** A stretch of telemetry of a fleet: every device sends one batch of stream `power` each half second. */
export interface StreamShape {
  readonly devices: number;
  readonly rateHz: number;
  readonly batchesPerDevice: number;
}

/** One batch in the forms in which the contestants can read it, the same points in each. */
export interface StreamMessage {
  readonly topic: string;
  /** Our own: columns. */
  readonly columns: string;
  /** JSON with one object per point, which is what Telegraf's JSON parser can read. */
  readonly rows: string;
  /** InfluxDB's line protocol, timestamps in ns. */
  readonly lines: readonly string[];
}

const BATCH_S = 0.5;
const US = 1e6;
/** Smallest steps of an INA226's power, voltage and current at 15 mΩ and 5 A. */
const LSB = { w: 25 * 152.6e-6, v: 1.25e-3, a: 152.6e-6 } as const;
/** Readings in a mean. */
const READINGS = 100;

/** Rows of batch `seq`; means of readings, so with the long fractions that means have. */
export function powerColumns(seq: number, rows: number): Record<"w" | "wMin" | "wMax" | "v" | "a", number[]> {
  const indices = Array.from({ length: rows }, (_, row) => seq * rows + row);
  const counts = indices.map((n) => 70_000 + ((n * 7919) % 40_001));
  return {
    w: counts.map((count) => (count * LSB.w) / READINGS),
    wMin: counts.map((count) => Math.floor(count / READINGS - 40) * LSB.w),
    wMax: counts.map((count) => Math.ceil(count / READINGS + 40) * LSB.w),
    v: indices.map((n) => ((408_000 + ((n * 31) % 997)) * LSB.v) / READINGS),
    a: counts.map((count) => (count * 4.9 * LSB.a) / READINGS),
  };
}

/** The batches of all devices, in the order in which time brings them. @param firstSeq where the numbers begin */
export function makeStream(shape: StreamShape, t0Us: number, firstSeq: number): StreamMessage[] {
  const rows = shape.rateHz * BATCH_S;
  const dt = Array.from({ length: rows }, (_, row) => Math.round((row * US) / shape.rateHz));
  const messages: StreamMessage[] = [];
  for (let seq = firstSeq; seq < firstSeq + shape.batchesPerDevice; seq++) {
    const t0 = t0Us + Math.round(seq * BATCH_S * US);
    const columns = powerColumns(seq, rows);
    for (let n = 0; n < shape.devices; n++) messages.push(makeMessage(`pi-${n}`, seq, { t0, dt }, columns));
  }
  return messages;
}

function makeMessage(
  device: string,
  seq: number,
  { t0, dt }: { readonly t0: number; readonly dt: readonly number[] },
  columns: ReturnType<typeof powerColumns>,
): StreamMessage {
  const source = "ina226";
  const batch = { v: 1 as const, boot: 1, seq, sync: true, ch: { main: { t0, dt: [...dt], ...columns, source } } };
  const { w, wMin, wMax, v, a } = columns;
  return {
    topic: formatTopic({ kind: "telemetry", device, stream: "power" }),
    columns: encodeMessage("telemetry", batch),
    rows: JSON.stringify({
      rows: dt.map((offset, i) => ({
        t: t0 + offset,
        channel: "main",
        source,
        watts: w[i],
        watts_min: wMin[i],
        watts_max: wMax[i],
        volts: v[i],
        amps: a[i],
      })),
    }),
    lines: dt.map(
      (offset, i) =>
        `power,channel=main,device=${device},source=${source} ` +
        `watts=${w[i]},watts_min=${wMin[i]},watts_max=${wMax[i]},volts=${v[i]},amps=${a[i]} ${t0 + offset}000`,
    ),
  };
}
