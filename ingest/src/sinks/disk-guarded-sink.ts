import type { LineBuffer } from "../line-buffer.ts";
import { requireRoom, type DiskRoom } from "./disk-room.ts";
import type { Refusal, Sink } from "./sink.ts";

/** A sink on this machine's disk, which takes nothing more before the disk is full: the agents hold it then. */
export class DiskGuardedSink implements Sink {
  readonly #sink: Sink;
  readonly #disk: DiskRoom;

  constructor(sink: Sink, disk: DiskRoom) {
    this.#sink = sink;
    this.#disk = disk;
  }

  /** @throws {SinkError} code `disk-low` */
  async write(lines: LineBuffer): Promise<readonly Refusal[]> {
    requireRoom(this.#disk);
    return this.#sink.write(lines);
  }

  close(): Promise<void> {
    return this.#sink.close();
  }
}
