import { benchmarkResultSchema, type Results, type Run } from "@edgewatt/protocol";
import { FIGURE_NAMES, figure, mergeResults, resultsTable, type Figure, type ResultsTable } from "@edgewatt/report";
import { HttpError } from "../errors.ts";
import type { Journal } from "../journal/journal.ts";

/** Which benchmarks count; what is not said is all. */
export interface Selection {
  readonly device: string | null;
  readonly run: string | null;
}

interface Derived {
  readonly results: Results | null;
  readonly figures: Map<string, Figure>;
}

/** What the benchmarks of the journal measured; what is derived from it is kept until one more has succeeded. */
export class Measured {
  readonly #journal: Journal;
  #version = -1;
  #succeeded = "";
  readonly #derived = new Map<string, Derived>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** @throws {HttpError} 404 */
  results(selection: Selection): Results {
    const { results } = this.#of(selection);
    if (results === null) {
      throw new HttpError(404, "no-results", "no benchmark has succeeded yet: start one with `edgewatt benchmark`");
    }
    return results;
  }

  /** For the page, to which no results yet is no error. */
  table(selection: Selection): ResultsTable | null {
    const { results } = this.#of(selection);
    return results === null ? null : resultsTable(results);
  }

  /** @throws {HttpError} 404 */
  figure(name: string, selection: Selection): Figure {
    const results = this.results(selection);
    const known = FIGURE_NAMES.find((candidate) => candidate === name);
    if (known === undefined) {
      throw new HttpError(404, "no-such-figure", `there is no figure ${name}, but ${FIGURE_NAMES.join(", ")}`);
    }
    const { figures } = this.#of(selection);
    const drawn = figures.get(known) ?? figure(known, results);
    figures.set(known, drawn);
    return drawn;
  }

  figures(selection: Selection): Figure[] {
    return FIGURE_NAMES.map((name) => this.figure(name, selection));
  }

  #of(selection: Selection): Derived {
    this.#forgetWhatChanged();
    const key = JSON.stringify([selection.device, selection.run]);
    const known = this.#derived.get(key);
    if (known !== undefined) return known;
    const documents = this.#runs().filter(
      ({ device, job }) => (selection.device ?? device) === device && (selection.run ?? job) === job,
    );
    const results = documents.flatMap(({ state }) => {
      const checked = benchmarkResultSchema.safeParse(state?.result);
      return checked.success ? [checked.data.results] : [];
    });
    // Not kept: names that nothing has can be asked for without end.
    if (results.length === 0) return { results: null, figures: new Map() };
    const derived = { results: mergeResults(results), figures: new Map() };
    this.#derived.set(key, derived);
    return derived;
  }

  /** A job that has succeeded never changes: the ids of those that have tell whether anything did. */
  #forgetWhatChanged(): void {
    const { version } = this.#journal;
    if (version === this.#version) return;
    this.#version = version;
    const succeeded = this.#runs()
      .map(({ device, job }) => `${device}/${job}`)
      .join();
    if (succeeded === this.#succeeded) return;
    this.#succeeded = succeeded;
    this.#derived.clear();
  }

  #runs(): Run[] {
    return this.#journal.runs().filter(({ op, state }) => op === "benchmark" && state?.state === "succeeded");
  }
}
