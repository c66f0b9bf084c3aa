import { readFile } from "node:fs/promises";
import path from "node:path";
import { sensitivityResultSchema, type Layers, type Run } from "@edgewatt/protocol";
import { importanceFigure, layersTable, type ResultsTable } from "@edgewatt/report";
import { systemErrorCode } from "@edgewatt/runtime";
import type { ArtifactStore } from "../artifacts/store.ts";
import { HttpError } from "../errors.ts";
import type { Journal } from "../journal/journal.ts";

/** A model whose layers were compared. */
export interface ComparedModel {
  readonly job: string;
  readonly device: string;
  readonly model: string;
  readonly created: string;
  readonly table: ResultsTable;
}

/** What the sensitivity jobs of the journal found: of each model on each device the newest. */
export class ComparedLayers {
  readonly #journal: Journal;
  readonly #store: ArtifactStore;

  constructor(journal: Journal, store: ArtifactStore) {
    this.#journal = journal;
    this.#store = store;
  }

  async models(): Promise<ComparedModel[]> {
    const newest = new Map<string, ComparedModel>();
    for (const run of this.#succeeded()) {
      const layers = await this.#layersOf(run);
      if (layers === undefined) continue;
      const key = JSON.stringify([run.device, layers.model]);
      if (newest.has(key)) continue;
      const { model, created } = layers;
      newest.set(key, { job: run.job, device: run.device, model, created, table: layersTable(layers) });
    }
    return [...newest.values()];
  }

  /** SVG. @throws {HttpError} 404 */
  async figure(job: string): Promise<string> {
    const run = this.#succeeded().find((candidate) => candidate.job === job);
    const layers = run === undefined ? undefined : await this.#layersOf(run);
    if (layers === undefined) throw new HttpError(404, "no-such-run", `this hub has no layers of a job ${job}`);
    return importanceFigure(layers);
  }

  #succeeded(): Run[] {
    return this.#journal.runs().filter(({ op, state }) => op === "sensitivity" && state?.state === "succeeded");
  }

  /** A result that was too long for a message is a file, which is here if its device had this hub to put it to. */
  async #layersOf({ state }: Run): Promise<Layers | undefined> {
    const told = sensitivityResultSchema.safeParse(state?.result);
    if (!told.success) return undefined;
    const { full } = told.data;
    if (full === undefined) return told.data;
    try {
      const whole = sensitivityResultSchema.safeParse(
        JSON.parse(await readFile(path.join(this.#store.dir, full.sha256), "utf8")),
      );
      return whole.success ? whole.data : undefined;
    } catch (error) {
      if (systemErrorCode(error) === "ENOENT" || error instanceof SyntaxError) return undefined;
      throw error;
    }
  }
}
