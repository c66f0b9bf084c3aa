import type { Run } from "@edgewatt/protocol";
import { ApiError, type ComparedModel, type FigureFacts, getJson, type ResultsTable } from "../api.ts";
import { byId, h } from "../dom.ts";
import { figuresView } from "./figures-view.ts";
import { layersView } from "./layers-view.ts";
import { ResultSelection } from "./selection.ts";
import { tableView } from "./table-view.ts";

const DOWNLOADS = ["csv", "json", "md"] as const;

/** The results table with its footnotes, the figures, and the importance of layers where somebody asked for it. */
export class ResultsView {
  readonly #selection = new ResultSelection(() => {
    // The hub is away; its return loads again.
    this.#load().catch(() => {});
  });
  #shown = "";
  #shownLayers = "";

  /** @throws {ApiError | TypeError} when the hub does not answer */
  async load(runs: readonly Run[]): Promise<void> {
    this.#selection.show(runs);
    await Promise.all([this.#load(), this.#loadLayers()]);
  }

  async #load(): Promise<void> {
    const { query } = this.#selection;
    const table = await getJson<ResultsTable | null>(`/api/table${query}`);
    const version = JSON.stringify([query, table]);
    // What is shown may have the focus, or be read just now.
    if (version === this.#shown || query !== this.#selection.query) return;
    for (const format of DOWNLOADS) byId(`download-${format}`).setAttribute("href", `/api/results.${format}${query}`);
    const parent = byId("results");
    if (table === null) {
      parent.replaceChildren(h("p", { class: "card empty" }, "No benchmark has succeeded yet. Start one above."));
    } else {
      const { figures } = await getJson<{ figures: FigureFacts[] }>(`/api/figures${query}`);
      const view = tableView(table, { id: "results-table", label: "Results table", heading: "model" });
      parent.replaceChildren(...view, figuresView(figures, query));
    }
    this.#shown = version;
  }

  async #loadLayers(): Promise<void> {
    const { models } = await getJson<{ models: ComparedModel[] }>("/api/layers").catch((error: unknown) => {
      // An older hub has no such thing.
      if (error instanceof ApiError && error.status === 404) return { models: [] };
      throw error;
    });
    const version = models.map(({ job }) => job).join();
    if (version === this.#shownLayers) return;
    this.#shownLayers = version;
    byId("layers-section").hidden = models.length === 0;
    byId("layers").replaceChildren(...layersView(models));
  }
}
