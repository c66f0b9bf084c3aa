import type { Stream } from "@edgewatt/protocol";

type Cell = number | string | boolean | null;
export type Columns = Readonly<Record<string, Cell>>;

/** Rows of one channel; times are CLOCK_MONOTONIC in integer µs, strictly increasing. */
export interface DraftChannel {
  readonly key: string;
  readonly tUs: number[];
  readonly rows: Columns[];
}

/** What one stream gathered since the last batch; it has no wall-clock time and no number yet. */
export interface Draft {
  readonly stream: Stream;
  readonly channels: readonly DraftChannel[];
}

/** Gathers rows until they are taken as drafts of batches. */
export class Batcher {
  readonly #channels = new Map<Stream, Map<string, DraftChannel>>();
  readonly #lastUs = new Map<string, number>();

  /**
   * Adds a row. Two rows of a channel never share a time, as their points would be one: a row that is not later than the
   * last one moves to 1 µs after it.
   */
  add(stream: Stream, key: string, tUs: number, columns: Columns): void {
    let channels = this.#channels.get(stream);
    if (channels === undefined) this.#channels.set(stream, (channels = new Map<string, DraftChannel>()));
    let channel = channels.get(key);
    if (channel === undefined) channels.set(key, (channel = { key, tUs: [], rows: [] }));
    const id = `${stream}/${key}`;
    const strictUs = Math.max(Math.round(tUs), (this.#lastUs.get(id) ?? -Infinity) + 1);
    this.#lastUs.set(id, strictUs);
    channel.tUs.push(strictUs);
    channel.rows.push(columns);
  }

  /** All rows since the last call, one draft for each stream that has any. */
  take(): Draft[] {
    const drafts = [...this.#channels].map(([stream, channels]) => ({ stream, channels: [...channels.values()] }));
    this.#channels.clear();
    return drafts;
  }
}
