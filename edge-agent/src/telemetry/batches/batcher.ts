import type { Channel, Column, Stream } from "@edgewatt/protocol";
import { ColumnBuilder, type Cell } from "./column.ts";
import { splitBySize } from "./split.ts";

export type Columns = Readonly<Record<string, Cell>>;

/** Rows of one channel, column by column. */
export interface Block {
  /** CLOCK_MONOTONIC in µs, one for each row. */
  readonly tUs: Float64Array;
  /** Figures are rounded to micro-units; `NaN` is no value. Anything else holds for all rows, or is a cell for each. */
  readonly columns: Readonly<Record<string, Float64Array | readonly Cell[] | Cell>>;
}

/** What one stream gathered since the last batch. It has no number yet, and `t0` is CLOCK_MONOTONIC in µs. */
export interface Draft {
  readonly stream: Stream;
  readonly points: number;
  readonly ch: Readonly<Record<string, Channel>>;
}

class ChannelRows {
  /** Integer µs, strictly increasing. */
  readonly tUs: number[] = [];
  readonly #columns = new Map<string, ColumnBuilder>();

  column(name: string): ColumnBuilder {
    let builder = this.#columns.get(name);
    if (builder === undefined) this.#columns.set(name, (builder = new ColumnBuilder()));
    return builder;
  }

  finish(): Channel {
    const [first = 0] = this.tUs;
    const columns: Record<string, Column> = {};
    for (const [name, builder] of this.#columns) {
      const column = builder.finish(this.tUs.length);
      if (column !== undefined) columns[name] = column;
    }
    return { t0: first, dt: this.tUs.map((t) => t - first), ...columns };
  }
}

/** Gathers rows until they are taken as drafts of batches. */
export class Batcher {
  readonly #streams = new Map<Stream, Map<string, ChannelRows>>();
  readonly #lastUs = new Map<string, number>();

  /**
   * Adds a row. Two rows of a channel never share a time, as their points would be one: a row that is not later than the
   * last one moves to 1 µs after it.
   */
  add(stream: Stream, key: string, tUs: number, columns: Columns): void {
    const rows = this.#rowsOf(stream, key);
    const row = rows.tUs.length;
    this.#addTime(rows, `${stream}/${key}`, tUs);
    for (const [name, cell] of Object.entries(columns)) rows.column(name).push(row, cell);
  }

  /** Adds the rows of a block, with no object for any of them. */
  addBlock(stream: Stream, key: string, { tUs, columns }: Block): void {
    const rows = this.#rowsOf(stream, key);
    const from = rows.tUs.length;
    const id = `${stream}/${key}`;
    for (const t of tUs) this.#addTime(rows, id, t);
    for (const [name, values] of Object.entries(columns)) {
      const builder = rows.column(name);
      for (let i = 0; i < tUs.length; i++) builder.push(from + i, cellOf(values, i));
    }
  }

  /** All rows since the last call: a draft for each stream that has any, more where one would be too large. */
  take(): Draft[] {
    const drafts = [...this.#streams].flatMap(([stream, channels]) =>
      splitBySize(new Map([...channels].map(([key, rows]) => [key, rows.finish()]))).map((part) => ({
        stream,
        points: [...part.values()].reduce((sum, { dt }) => sum + dt.length, 0),
        ch: Object.fromEntries(part),
      })),
    );
    this.#streams.clear();
    return drafts;
  }

  #rowsOf(stream: Stream, key: string): ChannelRows {
    let channels = this.#streams.get(stream);
    if (channels === undefined) this.#streams.set(stream, (channels = new Map<string, ChannelRows>()));
    let rows = channels.get(key);
    if (rows === undefined) channels.set(key, (rows = new ChannelRows()));
    return rows;
  }

  #addTime(rows: ChannelRows, id: string, tUs: number): void {
    const strictUs = Math.max(Math.round(tUs), (this.#lastUs.get(id) ?? -Infinity) + 1);
    this.#lastUs.set(id, strictUs);
    rows.tUs.push(strictUs);
  }
}

function cellOf(values: Block["columns"][string] | undefined, row: number): Cell {
  if (values instanceof Float64Array) return figure(values[row] ?? Number.NaN);
  return (isCells(values) ? values[row] : values) ?? null;
}

function isCells(values: Block["columns"][string] | undefined): values is readonly Cell[] {
  return Array.isArray(values);
}

/** Micro-units are finer than any meter here, and short in JSON. */
export function figure(value: number): number | null {
  return Number.isFinite(value) ? Math.round(value * 1e6) / 1e6 : null;
}
