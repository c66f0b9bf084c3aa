import { createHash } from "node:crypto";
import { rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { DISK_RESERVE_MB, FileError, freeDiskBytes } from "@edgewatt/runtime";
import { ArtifactCache } from "../artifacts/cache.ts";
import type { Trace } from "./energy-curve.ts";

export type TracePhase = "idle-before" | "window" | "idle-after";

/** The readings of a stretch, one beyond each of its edges included, so that its energy can be computed again. */
export interface TracedStretch {
  readonly window: number;
  readonly phase: TracePhase;
  readonly fromUs: number;
  readonly toUs: number;
  readonly trace: Trace;
}

/** What a reader needs besides the readings, a line of the header each. */
export type TraceHeader = Readonly<Record<string, string>>;

export interface StoredTrace {
  readonly file: string;
  readonly sha256: string;
  readonly bytes: number;
}

const PART = ".part";
const compress = promisify(gzip);
const COLUMNS = "window,phase,t_us,watts,joules";
const DIGITS = { tUs: 1, watts: 7, joules: 7 } as const;

/**
 * Full-rate readings of a row as gzip'd CSV. Each call of `add` appends a gzip member of its own and is done when it is on
 * the disk, so no compression is left to run in a measured stretch, and memory holds one window; members in a row are one gzip file
 * (RFC 1952, section 2.2).
 */
export class TraceFile implements AsyncDisposable {
  readonly #cache: ArtifactCache;
  readonly #part: string;
  readonly #hash = createHash("sha256");
  readonly #reserveBytes: number;
  #pending: string;
  #bytes = 0;

  /**
   * @param name of the file while it grows, unique among those of the cache
   * @param reserveBytes what is left free on the disk, for the journal of jobs and the spool of telemetry
   */
  constructor(cache: ArtifactCache, name: string, header: TraceHeader, reserveBytes = DISK_RESERVE_MB * 1e6) {
    this.#cache = cache;
    this.#reserveBytes = reserveBytes;
    this.#part = cache.pathOf(`${name}${PART}`);
    const facts = Object.entries(header).map(([key, value]) => `# ${key}: ${value.replaceAll(/\s+/g, " ")}`);
    this.#pending = `${[...facts, COLUMNS].join("\n")}\n`;
  }

  /** Appends stretches. Calls do not overlap. @throws {FileError} code `disk-low` when the disk has less free than the reserve */
  async add(stretches: readonly TracedStretch[]): Promise<void> {
    await this.#append(stretches.map(textOf).join(""));
  }

  async #append(text: string): Promise<void> {
    const dir = path.dirname(this.#part);
    if ((await freeDiskBytes(dir)) < this.#reserveBytes) {
      throw new FileError(
        `the disk has less than the reserve of ${this.#reserveBytes / 1e6} MB free: free space on the disk of ${dir}`,
        { code: "disk-low", context: { dir } },
      );
    }
    const member = await compress(this.#pending + text);
    this.#pending = "";
    await writeFile(this.#part, member, { flag: this.#bytes === 0 ? "w" : "a" });
    this.#hash.update(member);
    this.#bytes += member.byteLength;
  }

  /** Closes the file and moves it to its place in the cache, under its digest. @param keep digests that must stay there */
  async store(keep: ReadonlySet<string>): Promise<StoredTrace> {
    if (this.#pending !== "") await this.#append("");
    const sha256 = this.#hash.digest("hex");
    await this.#cache.makeRoom(this.#bytes, keep);
    const file = this.#cache.pathOf(sha256);
    await rename(this.#part, file);
    return { file, sha256, bytes: this.#bytes };
  }

  /** Leaves nothing of a file that was not stored. */
  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#part, { force: true });
  }
}

/** Where traces are kept, within a limit of bytes; what an earlier process did not complete is worth nothing. */
export function openTraces(dir: string, limitBytes: number): Promise<ArtifactCache> {
  return ArtifactCache.open(dir, limitBytes, { unfinished: PART });
}

function textOf({ window, phase, fromUs, toUs, trace: { tUs, watts, joules } }: TracedStretch): string {
  const lines = [
    `# window ${window} ${phase}: from_us ${fromUs.toFixed(DIGITS.tUs)} to_us ${toUs.toFixed(DIGITS.tUs)}`,
  ];
  for (let i = 0; i < tUs.length; i++) {
    const total = joules === null ? "" : (joules[i] ?? Number.NaN).toFixed(DIGITS.joules);
    lines.push(
      `${window},${phase},${(tUs[i] ?? 0).toFixed(DIGITS.tUs)},${(watts[i] ?? 0).toFixed(DIGITS.watts)},${total}`,
    );
  }
  return `${lines.join("\n")}\n`;
}

/** Name of the artifact, for people. */
export function traceName(model: string, precision: string, run: string): string {
  return `${model}-${precision}-${run.replace("/", "-")}.csv.gz`;
}
