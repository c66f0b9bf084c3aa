import type { LineBuffer } from "../line-buffer.ts";
import type { Line } from "@edgewatt/database";

/** Lines that the store will never take, and why. */
export interface Refusal {
  readonly reason: string;
  readonly lines: readonly Line[];
}

/** Where points become durable. Writing a line again changes nothing: a point is its measurement, tags and timestamp. */
export interface Sink {
  /**
   * Resolves when every line is durable or refused; the buffer must not change before that. Several calls may be under way at once.
   * @throws {SinkError} when the lines are not stored and the write is due again later
   */
  write(lines: LineBuffer): Promise<readonly Refusal[]>;
  close(): Promise<void>;
}
