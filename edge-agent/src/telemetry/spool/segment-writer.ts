import { open, type FileHandle } from "node:fs/promises";
import path from "node:path";
import { syncFolder } from "@edgewatt/runtime";
import type { Extent } from "./frame.ts";
import { frame, HEADER_BYTES } from "./frame.ts";

const SYNC_BYTES = 64 * 1024;

/**
 * Appends to one file of the spool. A record is in the file when `append` resolves, so that it survives the end of the process; it
 * survives a power cut after the next sync, which begins at 64 KiB and whenever `sync` is called, and which nobody waits for.
 */
export class SegmentWriter {
  readonly #handle: FileHandle;
  readonly #onError: (error: unknown) => void;
  #bytes = 0;
  #unsynced = 0;
  #syncing: Promise<void> | undefined;

  private constructor(handle: FileHandle, onError: (error: unknown) => void) {
    this.#handle = handle;
    this.#onError = onError;
  }

  /** Makes the file, which must not exist. @param onError is told when a sync fails */
  static async create(file: string, onError: (error: unknown) => void): Promise<SegmentWriter> {
    const writer = new SegmentWriter(await open(file, "ax"), onError);
    // Not every file system can do that to a folder.
    await syncFolder(path.dirname(file)).catch(() => {});
    return writer;
  }

  /** Size of the file. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Writes a record and says where its payload is. Rejects when the file has not taken all of it. */
  async append(payload: Buffer): Promise<Extent> {
    const record = frame(payload);
    try {
      for (let written = 0; written < record.length;) {
        const { bytesWritten } = await this.#handle.write(record, written);
        written += bytesWritten;
      }
    } catch (error) {
      // A part of a record is damage that the next start would find and tell.
      await this.#handle.truncate(this.#bytes).catch(() => {});
      throw error;
    }
    const extent = { offset: this.#bytes + HEADER_BYTES, length: payload.length };
    this.#bytes += record.length;
    this.#unsynced += record.length;
    if (this.#unsynced >= SYNC_BYTES) this.sync();
    return extent;
  }

  /** Begins to make durable what was appended, unless that is under way. */
  sync(): void {
    if (this.#unsynced === 0 || this.#syncing !== undefined) return;
    this.#unsynced = 0;
    this.#syncing = this.#handle
      .datasync()
      .catch(this.#onError)
      .finally(() => {
        this.#syncing = undefined;
      });
  }

  /** Makes all durable and closes the file; a fault is told to `onError`. */
  async close(): Promise<void> {
    await this.#syncing;
    this.sync();
    await this.#syncing;
    await this.#handle.close().catch(this.#onError);
  }
}
