import type { Measurement } from "@edgewatt/protocol";
import {
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  VariableRefresh,
  VariableSort,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DATASOURCE } from "../queries/influx-target.ts";
import { fieldValues, tagValues } from "../queries/influxql.ts";

/** Which InfluxDB the dashboard reads. */
export function datasourceVariable(): DatasourceVariableBuilder {
  return new DatasourceVariableBuilder("datasource")
    .label("Data source")
    .description("The InfluxDB that edgewatt's ingest writes to")
    .type("influxdb");
}

/** Several values or All, read again whenever the time range moves: what joins the fleet appears by itself. */
function choiceOf(name: string, label: string, description: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .label(label)
    .description(description)
    .datasource(DATASOURCE)
    .query(query)
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.NaturalAsc)
    .multi(true)
    .includeAll(true)
    .allValue(".*")
    .current({ text: ["All"], value: ["$__all"] });
}

/** The values of a tag; the variable has the tag's name. */
export function tagVariable(
  measurement: Measurement,
  tag: string,
  label: string,
  description: string,
): QueryVariableBuilder {
  return choiceOf(tag, label, description, tagValues(measurement, tag));
}

/** The jobs that a measurement has runs of; a run is `job/index`. */
export function runVariable(measurement: Measurement): QueryVariableBuilder {
  return choiceOf("run", "Run", "The job that the rows come from", fieldValues(measurement, "run"))
    .regex(String.raw`/^(.+)\/\d+$/`)
    .sort(VariableSort.AlphabeticalDesc);
}
