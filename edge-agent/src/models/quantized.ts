import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { arch } from "node:os";
import { quantizeReportSchema, type QuantizeReport } from "@edgewatt/protocol";
import { QUANTIZER_VERSION } from "@edgewatt/quantizer/recipe";
import { sha256File, writeFileAtomic } from "@edgewatt/runtime";
import { z } from "zod";
import type { ArtifactCache } from "../artifacts/cache.ts";
import type { QuantizeRequest } from "./messages.ts";
import type { ModelProgress } from "./quantize-progress.ts";
import { ModelWorker } from "./worker.ts";

const storedSchema = z.object({ sha256: z.string(), bytes: z.number(), report: quantizeReportSchema });

/** An int8 model on this device. */
export interface QuantizedModel {
  readonly path: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly report: QuantizeReport;
  /** It was there already. */
  readonly cached: boolean;
}

export interface QuantizationInput {
  /** Digest of the float model. */
  readonly modelSha256: string;
  /** Digest of the calibration file, or `synthetic`. */
  readonly calibration: string;
  readonly request: Omit<QuantizeRequest, "output">;
}

/** Int8 models by what they were made of: float model, calibration, arguments, and the version of what made them. */
export class QuantizedModels {
  readonly #cache: ArtifactCache;
  readonly #version: number;

  /** @param version of what quantizes: what another version made is not taken */
  constructor(cache: ArtifactCache, version: number = QUANTIZER_VERSION) {
    this.#cache = cache;
    this.#version = version;
  }

  /** The int8 model, quantized in a child process when it is not there. @throws {JobError} when it cannot be quantized */
  async get(
    { modelSha256, calibration, request }: QuantizationInput,
    options: { signal: AbortSignal; onProgress: (progress: ModelProgress) => void },
  ): Promise<QuantizedModel> {
    const { images, recipe, source } = request;
    const { seed, mean, std } = source;
    const made = { quantizer: this.#version, modelSha256, calibration, images, recipe, seed, mean, std, arch: arch() };
    const key = createHash("sha256").update(JSON.stringify(made)).digest("hex");
    const path = this.#cache.pathOf(key);
    const stored = await this.#find(key);
    if (stored !== undefined) return { path, ...stored, cached: true };

    const { size } = await stat(request.input);
    await this.#cache.makeRoom(size, new Set());
    await using worker = new ModelWorker(options.signal);
    const { report } = await worker.quantize({ ...request, output: path }, options.onProgress);
    const record = { sha256: await sha256File(path), bytes: (await stat(path)).size, report };
    await writeFileAtomic(`${path}.json`, JSON.stringify(record));
    return { path, ...record, cached: false };
  }

  async #find(key: string): Promise<z.infer<typeof storedSchema> | undefined> {
    const path = await this.#cache.find(key);
    if (path === undefined) return undefined;
    try {
      return storedSchema.parse(JSON.parse(await readFile(`${path}.json`, "utf8")));
    } catch {
      // Quantized again: a crash between the model and its record leaves no record.
      return undefined;
    }
  }
}
