import { toCsv, toMarkdown } from "@edgewatt/report";
import { HttpError } from "../errors.ts";
import type { Journal } from "../journal/journal.ts";
import type { Library } from "../library/library.ts";
import type { RecentPower } from "../power/recent-power.ts";
import type { ComparedLayers } from "./compared-layers.ts";
import type { Measured, Selection } from "./measured.ts";
import type { Content } from "./reply.ts";

const RUNS_SHOWN = 100;
const MAX_MINUTES = 10;
const SVG = "image/svg+xml; charset=utf-8";

/** What the hub knows, over HTTP. */
export class Api {
  readonly #journal: Journal;
  readonly #library: Library;
  readonly #power: RecentPower;
  readonly #measured: Measured;
  readonly #layers: ComparedLayers;

  constructor(parts: {
    journal: Journal;
    library: Library;
    power: RecentPower;
    measured: Measured;
    layers: ComparedLayers;
  }) {
    this.#journal = parts.journal;
    this.#library = parts.library;
    this.#power = parts.power;
    this.#measured = parts.measured;
    this.#layers = parts.layers;
  }

  /** The answer to a GET below `/api/`. @throws {HttpError} 404; 400 for a query that means nothing */
  async get(path: string, query: URLSearchParams): Promise<Content> {
    const run = /^runs\/([^/]+)$/.exec(path)?.[1];
    const figure = /^figures\/([^/]+)\.svg$/.exec(path)?.[1];
    const layers = /^layers\/([^/]+)\.svg$/.exec(path)?.[1];
    const selection = selectionIn(query);
    if (run !== undefined) return this.#run(run);
    if (figure !== undefined) return { type: SVG, body: this.#measured.figure(figure, selection).svg };
    if (layers !== undefined) return { type: SVG, body: await this.#layers.figure(layers) };
    switch (path) {
      case "runs":
        return json({ jobs: this.#journal.runs().slice(0, RUNS_SHOWN) });
      case "power":
        return json(this.#power.read(minutesOf(query.get("minutes")), Date.now()));
      case "models":
        return json(await this.#library.catalogue());
      case "layers":
        return json({ models: await this.#layers.models() });
      case "table":
        return json(this.#measured.table(selection));
      case "figures":
        return json({
          figures: this.#measured
            .figures(selection)
            .map(({ name, title, description }) => ({ name, title, description })),
        });
      case "results":
        return json(this.#measured.results(selection));
      case "results.json":
        return file("results.json", json(this.#measured.results(selection)));
      case "results.csv":
        return file("results.csv", text("text/csv", toCsv(this.#measured.results(selection))));
      case "results.md":
        return file("results.md", text("text/markdown", toMarkdown(this.#measured.results(selection))));
      default:
        throw new HttpError(404, "no-such-path", `the API has no ${path}`);
    }
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
}

function selectionIn(query: URLSearchParams): Selection {
  return { device: query.get("device"), run: query.get("run") };
}

function minutesOf(asked: string | null): number {
  const minutes = asked === null ? MAX_MINUTES : Number(asked);
  if (Number.isInteger(minutes) && minutes >= 1 && minutes <= MAX_MINUTES) return minutes;
  throw new HttpError(400, "bad-minutes", `minutes must be a whole number from 1 to ${MAX_MINUTES}, not ${asked}`);
}

function json(value: unknown): Content {
  return { type: "application/json; charset=utf-8", body: `${JSON.stringify(value)}\n` };
}

function text(type: string, body: string): Content {
  return { type: `${type}; charset=utf-8`, body };
}

/** For a browser to save. */
function file(filename: string, content: Content): Content {
  return { ...content, filename };
}
