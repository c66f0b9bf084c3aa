import { execFile } from "node:child_process";
import { cp, mkdir, statfs } from "node:fs/promises";
import process from "node:process";
import { promisify } from "node:util";

const run = promisify(execFile);
/** More than a run of half an hour leaves in it. */
const FULL_SIZE = "1g";

/**
 * Whether a run may mount: it does so only in a mount namespace of its own, which goes with its processes, however they
 * end. `scripts/faults.mjs` makes one where it may, and says so.
 */
export function mayMount(): boolean {
  return process.env["EDGEWATT_FAULT_DISKS"] === "1";
}

/** A folder with a file system of its own (tmpfs), that can be full. */
export class SmallDisk {
  readonly #dir: string;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  static async mount(dir: string): Promise<SmallDisk> {
    await mkdir(dir, { recursive: true });
    await run("mount", ["-t", "tmpfs", "-o", `size=${FULL_SIZE}`, "tmpfs", dir]);
    return new SmallDisk(dir);
  }

  /** Nothing more fits than what the last pages of files have room for. */
  async fill(): Promise<void> {
    const { bsize, blocks, bfree } = await statfs(this.#dir);
    // What is written between these two lines makes the size too small, and the kernel refuses.
    await this.#resize(String((blocks - bfree) * bsize)).catch(() => this.fill());
  }

  async free(): Promise<void> {
    await this.#resize(FULL_SIZE);
  }

  /** What is on it stays in a folder beside it. */
  async unmount(): Promise<void> {
    await cp(this.#dir, `${this.#dir}.kept`, { recursive: true });
    await run("umount", ["--lazy", this.#dir]);
  }

  async #resize(size: string): Promise<void> {
    await run("mount", ["-o", `remount,size=${size}`, this.#dir]);
  }
}
