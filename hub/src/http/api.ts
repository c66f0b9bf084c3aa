import { benchmarkResultSchema, type Results } from "@edgewatt/protocol";
import { FIGURE_NAMES, figure, mergeResults, resultsTable, type FigureName, type ResultsTable } from "@edgewatt/report";
import { HttpError } from "../errors.ts";
import type { Journal } from "../journal/journal.ts";
import type { RecentPower } from "../power/recent-power.ts";
import type { Content } from "./reply.ts";

const RUNS_SHOWN = 100;
const MAX_MINUTES = 10;

/** What the journal knows, as the API shows it; what is derived from it is kept until it changes. */
export class Api {
  readonly #journal: Journal;
  readonly #power: RecentPower;
  #merged: { readonly version: number; readonly results: Results | null; readonly figures: Map<FigureName, string> } = {
    version: -1,
    results: null,
    figures: new Map(),
  };

  constructor(journal: Journal, power: RecentPower) {
    this.#journal = journal;
    this.#power = power;
  }

  /** The answer to a GET below `/api/`. @throws {HttpError} 404; 400 for a query that means nothing */
  get(path: string, query: URLSearchParams): Content {
    const run = /^runs\/([^/]+)$/.exec(path)?.[1];
    const figureName = /^figures\/([^/]+)\.svg$/.exec(path)?.[1];
    if (path === "runs") return json({ jobs: this.#journal.runs().slice(0, RUNS_SHOWN) });
    if (run !== undefined) return this.#run(run);
    if (path === "results") return json(this.#results());
    if (path === "power") return json(this.#power.read(minutesOf(query.get("minutes")), Date.now()));
    if (path === "table") return json(this.#table());
    if (figureName !== undefined) return this.#figure(figureName);
    throw new HttpError(404, "no-such-path", `the API has no ${path}`);
  }

  #run(job: string): Content {
    const run = this.#journal.runOf(job);
    if (run === undefined) {
      throw new HttpError(
        404,
        "no-such-run",
        `this hub has not seen a job ${job}: \`edgewatt runs\` lists those it has`,
      );
    }
    return json(run);
  }

  #results(): Results {
    const { results } = this.#current();
    if (results === null) {
      throw new HttpError(404, "no-results", "no benchmark has succeeded yet: start one with `edgewatt benchmark`");
    }
    return results;
  }

  /** For the page, to which no results yet is no error. */
  #table(): ResultsTable | null {
    const { results } = this.#current();
    return results === null ? null : resultsTable(results);
  }

  #figure(name: string): Content {
    const results = this.#results();
    const known = FIGURE_NAMES.find((candidate) => candidate === name);
    if (known === undefined) {
      throw new HttpError(404, "no-such-figure", `there is no figure ${name}, but ${FIGURE_NAMES.join(", ")}`);
    }
    const { figures } = this.#current();
    const svg = figures.get(known) ?? figure(known, results).svg;
    figures.set(known, svg);
    return { type: "image/svg+xml; charset=utf-8", body: svg };
  }

  #current(): { readonly results: Results | null; readonly figures: Map<FigureName, string> } {
    const { version } = this.#journal;
    if (this.#merged.version !== version) {
      const results = mergedResults(this.#journal);
      const unchanged = JSON.stringify(results) === JSON.stringify(this.#merged.results);
      this.#merged = { version, results, figures: unchanged ? this.#merged.figures : new Map() };
    }
    return this.#merged;
  }
}

function minutesOf(text: string | null): number {
  const minutes = text === null ? MAX_MINUTES : Number(text);
  if (minutes >= 1 && minutes <= MAX_MINUTES) return minutes;
  throw new HttpError(400, "bad-minutes", `minutes must be a number from 1 to ${MAX_MINUTES}, not ${text}`);
}

function json(value: unknown): Content {
  return { type: "application/json; charset=utf-8", body: `${JSON.stringify(value)}\n` };
}

function mergedResults(journal: Journal): Results | null {
  const documents = journal.runs().flatMap(({ op, state }) => {
    if (op !== "benchmark" || state?.state !== "succeeded") return [];
    const checked = benchmarkResultSchema.safeParse(state.result);
    return checked.success ? [checked.data.results] : [];
  });
  return documents.length === 0 ? null : mergeResults(documents);
}
