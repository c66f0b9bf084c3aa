import { createRequire } from "node:module";
import type * as GrafanaData from "@grafana/data";
import { firstValueFrom, map } from "rxjs";
import type { DataTransformerConfig } from "@grafana/grafana-foundation-sdk/dashboard";

// Grafana's own code, which asks the browser for its address when it is loaded, and for its language when it writes times.
Object.assign(globalThis, { window: { location: {}, matchMedia: () => ({}) } });
if (!("navigator" in globalThis)) Object.assign(globalThis, { navigator: { language: "en", languages: ["en"] } });
const grafana = createRequire(import.meta.url)("@grafana/data") as typeof GrafanaData;

export const { applyFieldOverrides, createTheme, formattedValueToString, getFieldDisplayName } = grafana;
export type { DataFrame, Field } from "@grafana/data";

/** Before Grafana 12.2 a split left the names that the data source or a step gave; since then they get that of the frame beside them. */
export type Splitting = "before 12.2" | "from 12.2";

interface SplitOptions {
  readonly fields: readonly string[];
  readonly naming: { readonly separator2: string };
}

/**
 * `partitionByValues` as Grafana describes it, for what the dashboards ask of it: Grafana keeps that one in its application, while the other
 * transformers are in the package.
 */
function split(
  frame: GrafanaData.DataFrame,
  { fields, naming }: SplitOptions,
  how: Splitting,
): GrafanaData.DataFrame[] {
  const keys = frame.fields.filter(({ name }) => fields.includes(name));
  const rows = new Map<string, number[]>();
  for (let row = 0; row < frame.length; row++) {
    const name = keys.map(({ values }) => String(values[row])).join(naming.separator2);
    rows.set(name, [...(rows.get(name) ?? []), row]);
  }
  const others = frame.fields.filter((field) => !keys.includes(field));
  const frames = [...rows].map(([name, own]) => ({
    name,
    length: own.length,
    fields: others.map(({ name: field, type, config, labels = {}, values }) => ({
      name: field,
      type,
      config: structuredClone(config),
      labels: structuredClone(labels),
      values: own.map((row) => values[row] as unknown),
    })),
  }));
  if (how === "before 12.2") return frames;
  for (const one of frames) {
    for (const field of one.fields) {
      const given = field.config.displayNameFromDS ?? field.config.displayName;
      if (given === undefined) continue;
      const nameless = { ...field, name: given, config: {} };
      field.config = { displayName: getFieldDisplayName(nameless, one, frames) };
    }
  }
  return frames;
}

let splitting: Splitting = "from 12.2";

const partitionByValues: GrafanaData.DataTransformerInfo<SplitOptions> = {
  id: "partitionByValues",
  name: "Partition by values",
  operator: (options) => (source) =>
    source.pipe(map(([frame]) => (frame === undefined ? [] : split(frame, options, splitting)))),
};

const transformers = new Map(
  [...Object.values(grafana.standardTransformers), partitionByValues].map((transformation) => [
    transformation.id,
    transformation as GrafanaData.DataTransformerInfo,
  ]),
);
grafana.standardTransformersRegistry.setInit(() =>
  [...transformers].map(([id, transformation]) => ({
    id,
    transformation,
    name: transformation.name,
    editor: () => null,
  })),
);

/** What overrides may set that the tests look at; Grafana fills this list in its application. */
const SETTINGS = {
  displayName: grafana.displayNameOverrideProcessor,
  unit: grafana.unitOverrideProcessor,
  decimals: grafana.numberOverrideProcessor,
  mappings: grafana.valueMappingsOverrideProcessor,
  links: grafana.dataLinksOverrideProcessor,
};
grafana.standardFieldConfigEditorRegistry.setInit(() =>
  Object.entries(SETTINGS).map(([id, process]) => ({
    id,
    path: id,
    name: id,
    process,
    shouldApply: () => true,
    settings: {},
    editor: () => null,
    override: () => null,
  })),
);

/** The frames that a panel draws, from those that its queries gave, by Grafana's own transformers. */
export async function transformFrames(
  steps: readonly DataTransformerConfig[],
  frames: GrafanaData.DataFrame[],
  how: Splitting,
): Promise<GrafanaData.DataFrame[]> {
  splitting = how;
  return firstValueFrom(grafana.transformDataFrame([...steps] as GrafanaData.DataTransformerConfig[], frames));
}
