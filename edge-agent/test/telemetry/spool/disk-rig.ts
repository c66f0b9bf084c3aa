import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { createLogger, systemClock, type Clock } from "@edgewatt/runtime";
import { tempDir } from "@edgewatt/testing";
import { DiskSpool } from "../../../src/telemetry/spool/disk-spool.ts";

/** A folder in which a spool is opened, and opened again as after the end of a process. */
export class DiskRig implements AsyncDisposable {
  readonly dir: string;
  /** Logs nothing; tests may watch its methods. */
  readonly log = createLogger({ name: "test", level: "silent" });
  readonly #dispose: () => PromiseLike<void>;
  readonly #open: DiskSpool[] = [];

  private constructor(dir: string, dispose: () => PromiseLike<void>) {
    this.dir = dir;
    this.#dispose = dispose;
  }

  static async create(): Promise<DiskRig> {
    const dir = await tempDir();
    return new DiskRig(path.join(dir.path, "spool"), () => dir[Symbol.asyncDispose]());
  }

  async open(options: { capBytes?: number; clock?: Clock; dir?: string } = {}): Promise<DiskSpool> {
    const { capBytes = 1e6, clock = systemClock, dir = this.dir } = options;
    const spool = await DiskSpool.open({ dir, capBytes, clock, log: this.log });
    this.#open.push(spool);
    return spool;
  }

  /** The segments, as they are on the disk now. */
  async files(): Promise<Map<string, Buffer>> {
    const names = (await readdir(this.dir)).filter((name) => name.endsWith(".seg")).sort();
    return new Map(
      await Promise.all(names.map(async (name) => [name, await readFile(path.join(this.dir, name))] as const)),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const spool of this.#open) await spool.close();
    await this.#dispose();
  }
}
