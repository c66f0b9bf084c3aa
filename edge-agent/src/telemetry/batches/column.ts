import type { Column } from "@edgewatt/protocol";

export type Cell = number | string | boolean | null;

/** One column as it grows: a value that is the same in all rows is kept once. */
export class ColumnBuilder {
  #rows = 0;
  #constant: Cell = null;
  #cells: Cell[] | undefined;

  /** Adds the value of a row; rows before it that had none get null. */
  push(row: number, cell: Cell): void {
    this.#fill(row);
    if (this.#rows === 0) this.#constant = cell;
    else if (this.#cells === undefined && cell !== this.#constant) this.#spread();
    this.#cells?.push(cell);
    this.#rows += 1;
  }

  /** The column of a batch with so many rows; `undefined` when no row has a value. */
  finish(rows: number): Column | undefined {
    this.#fill(rows);
    return this.#cells ?? this.#constant ?? undefined;
  }

  #fill(row: number): void {
    while (this.#rows < row) this.push(this.#rows, null);
  }

  #spread(): void {
    this.#cells = Array.from({ length: this.#rows }, () => this.#constant);
  }
}
