import type { Measurement } from "@edgewatt/protocol";
import {
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  VariableRefresh,
  VariableSort,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DATASOURCE as DEFAULT_DATASOURCE } from "../provisioning/names.ts";
import { DATASOURCE } from "../queries/influx-target.ts";
import { fieldValues, tagValues } from "../queries/influxql.ts";

/** Which InfluxDB the dashboard reads; another is chosen by itself only where there is none of edgewatt's name. */
export function datasourceVariable(): DatasourceVariableBuilder {
  return new DatasourceVariableBuilder("datasource")
    .current({ text: DEFAULT_DATASOURCE.name, value: DEFAULT_DATASOURCE.uid })
    .label("Data source")
    .description("The InfluxDB that edgewatt's ingest writes to")
    .type("influxdb");
}

/** Read again whenever the time range moves: what joins the fleet appears by itself. */
function queried(name: string, label: string, description: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .description(description)
    .datasource(DATASOURCE)
    .query(query)
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged);
}

/** Several values or All. */
function choiceOf(name: string, label: string, description: string, query: string): QueryVariableBuilder {
  return queried(name, label, description, query)
    .sort(VariableSort.NaturalAsc)
    .multi(true)
    .includeAll(true)
    .allValue(".*")
    .current({ text: ["All"], value: ["$__all"] });
}

const TAG_LABELS = {
  device: ["Device", "Devices that the data is of"],
  model: ["Model", "Models that the data is of"],
  precision: ["Precision", "fp32 as trained, int8 as quantized"],
  pruning: ["Pruning", "Share of the channels pruned"],
} as const;

/** The values of a tag; the variable has the tag's name. */
export function tagVariable(measurement: Measurement, tag: keyof typeof TAG_LABELS): QueryVariableBuilder {
  const [label, description] = TAG_LABELS[tag];
  return choiceOf(tag, label, description, tagValues(measurement, tag));
}

/** The jobs that a measurement has runs of; a run is `job/index`. The dashboard needs {@link resolutionVariable} too. */
export function runVariable(measurement: Measurement): QueryVariableBuilder {
  return choiceOf("run", "Run", "The job that the data comes from", fieldValues(measurement, "run"))
    .regex(String.raw`/^(.+)\/\d+$/`)
    .sort(VariableSort.AlphabeticalDesc);
}

/** The default policy of a database that InfluxDB creates. */
const AS_MEASURED = "autogen";

/**
 * Which retention policy panels read, as `CHOSEN_POLICY` of their queries. The options are what the database has, so a
 * database without means offers only what was measured; a default that is not there gives way to the first option.
 */
export function resolutionVariable(byDefault: "autogen" | "seconds" | "minutes" = AS_MEASURED): QueryVariableBuilder {
  return queried(
    "resolution",
    "Resolution",
    "autogen: as measured, kept for days; seconds and minutes: means, kept for months and years",
    "SHOW RETENTION POLICIES",
  ).current({ text: byDefault, value: byDefault });
}
