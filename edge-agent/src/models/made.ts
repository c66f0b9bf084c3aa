import { createHash } from "node:crypto";
import { mkdtemp, readFile, rename, rm, stat } from "node:fs/promises";
import { arch } from "node:os";
import path from "node:path";
import { DISK_RESERVE_MB, freeDiskBytes, sha256File, systemErrorCode, writeFileAtomic } from "@edgewatt/runtime";
import { z } from "zod";
import { ArtifactCache } from "../artifacts/cache.ts";
import { JobError } from "../errors.ts";
import type { MakeRequest, To } from "./messages.ts";
import type { ModelProgress } from "./progress.ts";
import { ModelWorker } from "./worker.ts";

/** What a folder is called in which a model is being made: its key, and this with some letters. */
const WORK = ".work-";

const storedSchema = z.object({
  sha256: z.string(),
  bytes: z.number(),
  created: z.iso.datetime(),
  report: z.unknown(),
});
type Stored = z.infer<typeof storedSchema>;

/** A model on this device that was made out of another one. */
export interface MadeModel<R> {
  readonly path: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly created: string;
  readonly report: R;
  /** It was there already. */
  readonly cached: boolean;
}

/** A way of making a model out of another one. */
export interface Making<Q extends MakeRequest, R> {
  readonly name: "quantize" | "prune";
  /** Of what makes: what another version made is not taken. */
  readonly version: number;
  readonly reportSchema: z.ZodType<R>;
  /** Makes it at `output`, in the child. */
  make(worker: ModelWorker, request: To<Q>, onProgress: (progress: ModelProgress) => void): Promise<R>;
}

export interface MakeInput<Q extends MakeRequest> {
  /** Digest of the model that it is made out of. */
  readonly modelSha256: string;
  /** Digest of the calibration file, or `synthetic`. */
  readonly calibration: string;
  readonly request: Q;
  /** What reasons call the model and the data: where their files are on this device says nothing to those who read them. */
  readonly names: { readonly model: string; readonly calibration: string };
}

interface GetOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: ModelProgress) => void;
  /** Paths of models that were made here and that a job still needs: none of them makes room for another. */
  readonly keep?: readonly string[];
}

interface Options {
  readonly nowMs: () => number;
  /** What is left free on the disk, for the journal of jobs and the spool of telemetry. */
  readonly reserveBytes?: number;
}

/** Models by what they were made of: model, calibration, arguments, and the version of what made them. */
export class MadeModels {
  readonly #cache: ArtifactCache;
  readonly #nowMs: () => number;
  readonly #reserveBytes: number;

  private constructor(cache: ArtifactCache, { nowMs, reserveBytes = DISK_RESERVE_MB * 1e6 }: Options) {
    this.#cache = cache;
    this.#nowMs = nowMs;
    this.#reserveBytes = reserveBytes;
  }

  /** Within a limit of bytes; what an earlier process did not complete is removed. */
  static async open(dir: string, limitBytes: number, options: Options): Promise<MadeModels> {
    return new MadeModels(await ArtifactCache.open(dir, limitBytes, { unfinished: WORK }), options);
  }

  /**
   * The model, made in a child process when it is not there; whatever ends that, nothing half made stays.
   * @throws {JobError} when it cannot be made; code `disk-low` when the disk has less free than the reserve
   */
  async get<Q extends MakeRequest, R>(
    making: Making<Q, R>,
    { modelSha256, calibration, request, names }: MakeInput<Q>,
    options: GetOptions,
  ): Promise<MadeModel<R>> {
    // Where its files are on this device does not matter.
    const asked: object = { ...request, input: undefined, source: { ...request.source, what: undefined } };
    const made = { [making.name]: making.version, modelSha256, calibration, ...asked, arch: arch() };
    const key = createHash("sha256").update(JSON.stringify(made)).digest("hex");
    const file = this.#cache.pathOf(key);
    const stored = await this.#find(key, making.reportSchema);
    if (stored !== undefined) return { path: file, ...stored, cached: true };

    const { size } = await stat(request.input);
    await this.#cache.makeRoom(size, new Set([...(options.keep ?? [])].map((used) => path.basename(used))));
    await this.#checkDisk(size);
    const folder = await mkdtemp(`${file}${WORK}`).catch((cause: unknown) => {
      throw cannotMake(making.name, path.dirname(file), cause);
    });
    try {
      const output = path.join(folder, "model.onnx");
      await using worker = new ModelWorker(options.signal);
      const report = await making.make(worker, { ...request, output }, options.onProgress).catch((error: unknown) => {
        throw named(error, { [request.input]: names.model, [request.source.what]: names.calibration });
      });
      const created = new Date(this.#nowMs()).toISOString();
      const record = { sha256: await sha256File(output), bytes: (await stat(output)).size, created, report };
      await rename(output, file);
      await writeFileAtomic(`${file}.json`, JSON.stringify(record));
      return { path: file, ...record, cached: false };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async #checkDisk(bytes: number): Promise<void> {
    const dir = path.dirname(this.#cache.pathOf(""));
    if ((await freeDiskBytes(dir)) - bytes >= this.#reserveBytes) return;
    throw new JobError(
      `no room for another model: it would leave less than the reserve of ${this.#reserveBytes / 1e6} MB on the disk of ${dir}; free space there`,
      { code: "disk-low", context: { dir, bytes } },
    );
  }

  async #find<R>(key: string, reportSchema: z.ZodType<R>): Promise<(Stored & { report: R }) | undefined> {
    const file = await this.#cache.find(key);
    if (file === undefined) return undefined;
    try {
      const stored = storedSchema.parse(JSON.parse(await readFile(`${file}.json`, "utf8")));
      // A file that was cut short would fail each time that it is asked for.
      if ((await stat(file)).size !== stored.bytes) return undefined;
      return { ...stored, report: reportSchema.parse(stored.report) };
    } catch {
      // Made again: a crash between the model and its record leaves no record.
      return undefined;
    }
  }
}

/** The same reason with names in place of paths. */
function named(error: unknown, names: Readonly<Record<string, string>>): unknown {
  if (!(error instanceof JobError)) return error;
  const message = Object.entries(names).reduce((text, [file, name]) => text.replaceAll(file, name), error.message);
  return message === error.message ? error : new JobError(message, { code: error.code, cause: error });
}

function cannotMake(name: string, dir: string, cause: unknown): JobError {
  return new JobError(`cannot ${name} in ${dir} (${systemErrorCode(cause)}): make it writable, with room for a model`, {
    code: "made-unwritable",
    context: { dir },
    cause,
  });
}
