import { MAX_TELEMETRY_BYTES, type Channel } from "@edgewatt/protocol";

/** Room for the envelope in the size limit, and for times since the epoch, which are longer than those here. */
const ENVELOPE_BYTES = 512;
/** Room for the times of one channel. */
const CHANNEL_BYTES = 16;

type Channels = ReadonlyMap<string, Channel>;

/** Divides channels until each part fits into a batch; a row that is too large alone stays as it is. */
export function splitBySize(channels: Channels): Channels[] {
  const bytes = Buffer.byteLength(JSON.stringify(Object.fromEntries(channels))) + channels.size * CHANNEL_BYTES;
  if (bytes + ENVELOPE_BYTES <= MAX_TELEMETRY_BYTES) return [channels];
  const entries = [...channels];
  const [only] = entries;
  if (entries.length === 1 && only !== undefined) {
    const [key, channel] = only;
    if (channel.dt.length <= 1) return [channels];
    const half = Math.ceil(channel.dt.length / 2);
    return [part(channel, 0, half), part(channel, half, channel.dt.length)].flatMap((rows) =>
      splitBySize(new Map([[key, rows]])),
    );
  }
  const half = Math.ceil(entries.length / 2);
  return [entries.slice(0, half), entries.slice(half)].flatMap((some) => splitBySize(new Map(some)));
}

function part({ t0, dt, ...columns }: Channel, from: number, to: number): Channel {
  const firstDt = dt[from] ?? 0;
  const parts = Object.entries(columns).map(([name, column]) => [
    name,
    Array.isArray(column) ? column.slice(from, to) : column,
  ]);
  return {
    t0: t0 + firstDt,
    dt: dt.slice(from, to).map((offset) => offset - firstDt),
    ...(Object.fromEntries(parts) as Record<string, Channel[string]>),
  };
}
