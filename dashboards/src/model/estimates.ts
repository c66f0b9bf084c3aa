import {
  MappingType,
  type DataTransformerConfig,
  type DynamicConfigValue,
  type ValueMapping,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { MODELLED_SOURCES } from "@edgewatt/protocol";

/**
 * A model whose name does not say that it is one gets the word beside its name: `(pmic)` becomes `(pmic, estimate)`. Between slashes, as
 * Grafana takes an expression without them for the whole name.
 */
export const MARK_MODELS: DataTransformerConfig = {
  id: "renameByRegex",
  options: {
    regex: `/\\((${MODELLED_SOURCES.filter((source) => source !== "estimate").join("|")})\\)/`,
    renamePattern: "($1, estimate)",
  },
};

/** Which series are estimates, by the names that they have after {@link MARK_MODELS}; the word may be in a device's name too. */
export const ESTIMATED_SERIES = String.raw`/\((?:\w+, )?estimate\)/`;

/** How the line of an estimate is drawn. */
export const DASHED: DynamicConfigValue[] = [{ id: "custom.lineStyle", value: { fill: "dash", dash: [8, 6] } }];

/** For a column of a table that holds the power source: a model is called an estimate there too. */
export const ESTIMATED_SOURCES: ValueMapping[] = [
  {
    type: MappingType.ValueToText,
    options: Object.fromEntries(
      MODELLED_SOURCES.filter((source) => source !== "estimate").map((source, index) => [
        source,
        { text: `${source}, estimate`, index },
      ]),
    ),
  },
];
