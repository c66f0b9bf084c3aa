import type { DiskWatch } from "@edgewatt/runtime";
import { SinkError } from "../errors.ts";
import type { LineBuffer } from "../line-buffer.ts";
import type { Refusal, Sink } from "./sink.ts";

/** A sink on this machine's disk, which takes nothing more before the disk is full: the agents hold it then. */
export class DiskGuardedSink implements Sink {
  readonly #sink: Sink;
  readonly #disk: DiskWatch;

  constructor(sink: Sink, disk: DiskWatch) {
    this.#sink = sink;
    this.#disk = disk;
  }

  /** @throws {SinkError} code `disk-low` */
  async write(lines: LineBuffer): Promise<readonly Refusal[]> {
    const { reason } = this.#disk;
    if (reason !== undefined) throw new SinkError(reason, { code: "disk-low", retryable: true });
    return this.#sink.write(lines);
  }

  async close(): Promise<void> {
    this.#disk[Symbol.dispose]();
    await this.#sink.close();
  }
}
