import type { Dashboard, Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { isModelled, MEASUREMENTS, POWER_SOURCES, type Measurement } from "@edgewatt/protocol";
import { isChosenDatasource, targetsOf, type Target } from "../grafana.ts";
import { readQuery } from "./influx-columns.ts";
import { Problems, type Problem } from "./problem.ts";
import { transform, type Frame } from "./transformed-columns.ts";

const MEASUREMENT = new Map(
  Object.values<Measurement>(MEASUREMENTS).map((measurement) => [measurement.name, measurement]),
);

/** Names that a query uses and the catalogue does not have. */
export function unknownNames(query: string): string[] {
  const { measurements, names } = readQuery(query);
  const known = new Set(
    measurements.flatMap((name) => {
      const { tags = [], fields = [] } = MEASUREMENT.get(name) ?? {};
      return [...tags, ...fields].map((entry) => entry.name);
    }),
  );
  return [...measurements.filter((name) => !MEASUREMENT.has(name)), ...names.filter((name) => !known.has(name))];
}

function lintTarget(target: Target, problems: Problems): void {
  const { refId, query, resultFormat, alias, datasource } = target;
  problems.expect(isChosenDatasource(datasource), "datasource", `query ${refId} names its data source itself`);
  const text = readQuery(query);
  problems.expect(text.isBounded, "time-filter", `query ${refId} is not bounded by the time range: ${query}`);
  const unknown = unknownNames(query);
  problems.expect(unknown.length === 0, "catalogue", `query ${refId} names ${unknown.join(", ")}, which nobody writes`);
  problems.expect(!text.columns.includes(undefined), "columns", `query ${refId} has a column without a name`);
  problems.expect(
    (alias === undefined) === (resultFormat === "table"),
    "columns",
    `query ${refId}: series need an alias, tables have none`,
  );
  for (const [, tag = ""] of (alias ?? "").matchAll(/\$tag_(\w+)/g)) {
    problems.expect(
      text.tags.includes(tag),
      "columns",
      `the alias of query ${refId} names tag ${tag}, which it does not group by`,
    );
  }
}

function frameOf({ refId, query }: Target): Frame {
  const { columns, tags } = readQuery(query);
  return { refId, columns: ["Time", ...tags, ...columns.filter((name) => name !== undefined)] };
}

/** The columns that names in the panel's options and overrides can refer to. */
function lintColumns(panel: Panel, problems: Problems): void {
  const tables = targetsOf(panel).filter(({ resultFormat }) => resultFormat === "table");
  const labels = new Set(targetsOf(panel).flatMap(({ query }) => readQuery(query).tags));
  let frames: readonly Frame[] = tables.map(frameOf);
  if (frames.length > 0) {
    for (const step of panel.transformations ?? []) {
      const { frames: changed, missing } = transform(frames, step);
      problems.expect(missing.length === 0, "columns", `transformation ${step.id} needs ${missing.join(", ")}`);
      frames = changed;
    }
    if (panel.type === "table")
      problems.expect(frames.length === 1, "columns", `the table would show one of ${frames.length} tables`);
  }
  const columns = new Set(frames.flatMap((frame) => frame.columns));
  for (const name of namedColumns(panel)) {
    problems.expect(columns.has(name), "columns", `column ${name} is named and not there: ${[...columns].join(", ")}`);
  }
  const text = JSON.stringify(panel.fieldConfig ?? {});
  for (const [, name = ""] of text.matchAll(/\$\{__data\.fields\.(\w+)(?:\.\w+)?\}/g)) {
    problems.expect(columns.has(name), "columns", `a link names column ${name}, which is not there`);
  }
  for (const [, name = ""] of text.matchAll(/\$\{__field\.labels\.(\w+)\}/g)) {
    problems.expect(labels.has(name), "columns", `a link names label ${name}, which no query groups by`);
  }
}

interface NameMatcher {
  readonly matcher?: { readonly id?: string; readonly options?: unknown };
}

function matchedName(reference: NameMatcher | undefined): string[] {
  return reference?.matcher?.id === "byName" ? [String(reference.matcher.options)] : [];
}

/** Names in overrides, and of the axes of a scatter. */
function namedColumns({ fieldConfig, options }: Panel): string[] {
  const series = ((options as { series?: unknown } | undefined)?.series ?? []) as Record<string, NameMatcher>[];
  const { xField, dims } = (options ?? {}) as { xField?: string; dims?: { x?: string } };
  return [
    ...(fieldConfig?.overrides ?? []).flatMap(matchedName),
    ...series.flatMap(({ x, y, color, size }) => [x, y, color, size].flatMap(matchedName)),
    ...[xField, dims?.x].filter((name) => name !== undefined),
  ];
}

function lintLetters(panel: Panel, problems: Problems): void {
  const letters = targetsOf(panel).map(({ refId }) => refId);
  problems.expect(
    new Set(letters).size === letters.length,
    "letters",
    `two queries have the same letter: ${letters.join()}`,
  );
  for (const { matcher } of panel.fieldConfig?.overrides ?? []) {
    const isThere = matcher.id !== "byFrameRefID" || letters.includes(String(matcher.options));
    problems.expect(isThere, "letters", `an override is for query ${String(matcher.options)}, which is not there`);
  }
}

/** An expression as Grafana reads it (`stringToJsRegex`): between slashes, or else for the whole text. */
function readRegex(text: string): RegExp {
  const [, pattern, flags] = /^\/(.*)\/([gimsy]*)$/.exec(text) ?? [];
  return pattern === undefined ? new RegExp(`^${text}$`) : new RegExp(pattern, flags);
}

/** Power of a model must say so wherever it is shown: in the legend, or in a column of its source. */
function lintEstimates(panel: Panel, problems: Problems): void {
  const series = targetsOf(panel).filter(({ query }) => readQuery(query).measurements.includes("power"));
  for (const { refId, alias, query } of series) {
    const isNamed = alias === undefined ? query.includes('"source"') : alias.includes("$tag_source");
    problems.expect(isNamed, "estimate", `query ${refId} shows power without its source`);
  }
  if (!series.some(({ alias }) => alias !== undefined)) return;
  const rename = panel.transformations?.find(({ id }) => id === "renameByRegex");
  const { regex = "no rule", renamePattern = "" } = (rename?.options ?? {}) as Record<string, string>;
  const shown = (source: string): string => `pi-1 main (${source})`.replace(readRegex(regex), renamePattern);
  for (const source of POWER_SOURCES) {
    const isRight = shown(source).includes("estimate") === isModelled(source);
    problems.expect(isRight, "estimate", `the legend calls a channel of ${source} ${shown(source)}`);
  }
}

export function lintPanel(dashboard: Dashboard, panel: Panel): Problem[] {
  const problems = new Problems(`${dashboard.title} / ${panel.title || `panel ${panel.id}`}`);
  problems.expect(Boolean(panel.title && panel.description), "description", "has no title or no description");
  problems.expect(Boolean(panel.fieldConfig?.defaults?.unit), "unit", "has no unit");
  problems.expect(isChosenDatasource(panel.datasource), "datasource", "names its data source itself");
  problems.expect(targetsOf(panel).length > 0, "letters", "has no query");
  lintLetters(panel, problems);
  for (const target of targetsOf(panel)) lintTarget(target, problems);
  lintColumns(panel, problems);
  lintEstimates(panel, problems);
  return problems.list;
}
