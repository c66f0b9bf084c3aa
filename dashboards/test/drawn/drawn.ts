import assert from "node:assert/strict";
import type { Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { expandQuery, openingChoices, type GrafanaScope } from "@edgewatt/testing/grafana";
import { loadDashboards, panelsOf, targetsOf } from "../grafana.ts";
import type { FilledDatabase } from "../replay/filled-database.ts";
import { tableFrames } from "./frames.ts";
import { applyFieldOverrides, createTheme, getFieldDisplayName, transformFrames } from "./transformers.ts";
import type { DataFrame, Field, Splitting } from "./transformers.ts";

const BEFORE_MS = 600_000;

/** A panel by its dashboard and title. */
export function panelOf(uid: string, title: string): Panel {
  const dashboard = loadDashboards().find((candidate) => candidate.uid === uid);
  const panel = dashboard && panelsOf(dashboard).find((candidate) => candidate.title === title);
  assert(panel, `${uid} has no panel ${title}`);
  return panel;
}

/** What a cell of a table holds; a column that another table gave has nothing in the rows that it does not know. */
type Cell = string | number | null | undefined;

export interface Drawn {
  readonly frame: DataFrame;
  /** Names of the columns as the panel knows them. */
  readonly names: readonly string[];
  /** The values of a column by that name. */
  readonly column: (name: string) => Cell[];
  readonly field: (name: string) => Field;
}

/** What a panel gets to draw, after its queries, steps and overrides. */
export async function drawn(
  { url, endMs }: Pick<FilledDatabase, "url" | "endMs">,
  {
    uid,
    title,
    chosen = {},
    splitting = "from 12.2",
  }: { uid: string; title: string; chosen?: GrafanaScope["variables"]; splitting?: Splitting },
): Promise<Drawn> {
  const dashboard = loadDashboards().find((candidate) => candidate.uid === uid);
  assert(dashboard);
  const range = { fromMs: endMs - BEFORE_MS, toMs: endMs };
  const variables = { ...(await openingChoices(url, dashboard, range)), ...chosen };
  const panel = panelOf(uid, title);
  const answers: DataFrame[] = [];
  for (const { refId, query } of targetsOf(panel)) {
    answers.push(
      ...(await tableFrames(url, refId, expandQuery(dashboard, query, { ...range, variables, intervalMs: 1000 }))),
    );
  }
  const steps = await transformFrames(panel.transformations ?? [], answers, splitting);
  const [frame, ...others] = applyFieldOverrides({
    data: steps,
    fieldConfig: panel.fieldConfig as never,
    replaceVariables: (text) => text,
    theme: createTheme(),
  });
  assert(frame !== undefined && others.length === 0, `${title} gets ${others.length + 1} tables`);
  const names = frame.fields.map((field) => getFieldDisplayName(field, frame, [frame]));
  const field = (name: string): Field => {
    const found = frame.fields[names.indexOf(name)];
    assert(found, `${title} has no column ${name}: ${names.join(", ")}`);
    return found;
  };
  return { frame, names, field, column: (name) => field(name).values as Cell[] };
}
