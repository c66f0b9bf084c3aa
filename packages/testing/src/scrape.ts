import parse from "parse-prometheus-text-format";
import { TestingError } from "./errors.ts";

export interface ScrapedMetric {
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram" | "summary" | "untyped";
  /** By the values of its labels, joined by commas; the one of a metric without labels is under "". Empty for a histogram. */
  readonly values: ReadonlyMap<string, number>;
}

const TEXT_FORMAT = "text/plain; version=0.0.4";

function isSample(line: string): boolean {
  return line !== "" && !line.startsWith("#");
}

/**
 * Reads `/metrics` as Prometheus would, by a parser that is not of the library that wrote it. Throws TestingError for an answer that is
 * none, and for a counter or gauge that the parser cannot read.
 */
export async function scrape(url: string): Promise<ReadonlyMap<string, ScrapedMetric>> {
  const response = await fetch(url);
  const text = await response.text();
  const type = response.headers.get("content-type") ?? "";
  if (!response.ok || !type.startsWith(TEXT_FORMAT)) {
    throw new TestingError(`${url} answers ${response.status} as ${type}: ${text}`, { code: "scrape" });
  }
  const families = parse(text);
  const isDistribution = ({ type: kind }: (typeof families)[number]) => kind === "HISTOGRAM" || kind === "SUMMARY";
  // The parser takes a distribution with several labels apart in another way than it was written.
  const distributions = families.filter(isDistribution).map(({ name }) => `${name}_`);
  const read = families.filter((family) => !isDistribution(family)).flatMap(({ metrics }) => metrics).length;
  const written = text
    .split("\n")
    .filter((line) => isSample(line) && !distributions.some((prefix) => line.startsWith(prefix))).length;
  if (read !== written) {
    throw new TestingError(`${url} has ${written} samples, but ${read} can be read:\n${text}`, { code: "scrape" });
  }
  return new Map(
    families.map(({ name, help, type: kind, metrics }) => [
      name,
      {
        help,
        type: kind.toLowerCase() as ScrapedMetric["type"],
        values: new Map(
          metrics.flatMap(({ labels, value }) =>
            value === undefined ? [] : [[Object.values(labels ?? {}).join(","), Number(value)]],
          ),
        ),
      },
    ]),
  );
}

/** One figure of a scrape; fails when it is not there. */
export function figure(metrics: ReadonlyMap<string, ScrapedMetric>, name: string, label = ""): number {
  const value = metrics.get(name)?.values.get(label);
  if (value === undefined) {
    const known = [...(metrics.get(name)?.values.keys() ?? [])].join(" ");
    throw new TestingError(`no ${name}{${label}}; its labels are: ${known}`, { code: "scrape" });
  }
  return value;
}
