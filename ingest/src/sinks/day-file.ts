import { mkdir, open, type FileHandle } from "node:fs/promises";
import path from "node:path";
import { syncFolder, type Clock } from "@edgewatt/runtime";
import { SinkError } from "../errors.ts";

const TAIL_BYTES = 64 * 1024;
const LINE_BREAK = 0x0a;

/** Drops what a crash left of a line that was never acknowledged, so that the next line begins on its own. */
async function openRepaired(file: string): Promise<{ handle: FileHandle; size: number }> {
  const handle = await open(file, "a+");
  let { size } = await handle.stat();
  while (size > 0) {
    const length = Math.min(size, TAIL_BYTES);
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    const end = buffer.lastIndexOf(LINE_BREAK) + 1;
    if (end === length) break;
    size -= length - end;
    await handle.truncate(size);
  }
  return { handle, size };
}

/** Text files in a folder, one per UTC day (`2026-11-23` and an extension), to which whole lines are appended. */
export class DayFile {
  #dir: string;
  #extension: string;
  #clock: Clock;
  #day = "";
  #handle: FileHandle | undefined;
  #size = 0;
  #tail: Promise<unknown> = Promise.resolve();

  /** @param extension without its dot */
  constructor(dir: string, extension: string, clock: Clock) {
    this.#dir = dir;
    this.#extension = extension;
    this.#clock = clock;
  }

  /** Resolves when the text is on the disk; a failed append leaves nothing behind. @throws {SinkError} code `file` */
  append(text: string): Promise<void> {
    const appended = this.#tail.then(() => this.#append(text));
    this.#tail = appended.catch(() => {});
    return appended;
  }

  async close(): Promise<void> {
    await this.#tail;
    await this.#handle?.close();
    this.#handle = undefined;
  }

  async #append(text: string): Promise<void> {
    const day = new Date(this.#clock.nowUs() / 1000).toISOString().slice(0, 10);
    const file = path.join(this.#dir, `${day}.${this.#extension}`);
    try {
      const handle = await this.#open(file, day);
      await handle.appendFile(text);
      await handle.datasync();
      this.#size += Buffer.byteLength(text);
    } catch (cause) {
      await this.#takeBack();
      throw new SinkError(`cannot append to ${file}: ${(cause as Error).message}; free space or make it writable`, {
        code: "file",
        retryable: true,
        context: { file },
        cause,
      });
    }
  }

  async #open(file: string, day: string): Promise<FileHandle> {
    if (this.#handle && this.#day === day) return this.#handle;
    await this.#handle?.close();
    this.#handle = undefined;
    await mkdir(this.#dir, { recursive: true });
    const { handle, size } = await openRepaired(file);
    await syncFolder(this.#dir);
    this.#handle = handle;
    this.#size = size;
    this.#day = day;
    return handle;
  }

  async #takeBack(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    // A disk that fails here fails the next append too, which reports it; opening repairs a torn line then.
    await handle?.truncate(this.#size).catch(() => {});
    await handle?.close().catch(() => {});
  }
}
