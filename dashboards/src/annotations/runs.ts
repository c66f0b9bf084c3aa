import type { Builder, Dataquery } from "@grafana/grafana-foundation-sdk/cog";
import { AnnotationQueryBuilder } from "@grafana/grafana-foundation-sdk/dashboard";
import { MEASUREMENTS } from "@edgewatt/protocol";
import { DATASOURCE, InfluxQuery } from "../queries/influx-target.ts";
import { chosen, fieldOf, influxql } from "../queries/influxql.ts";

const { runEvent } = MEASUREMENTS;

/** A window is one point, at its beginning: those that began this long before the view are asked for too. */
const LONGEST_RUN = "6h";

/** Which columns of the result make the annotation; without `fromAnnotations` Grafana uses an older mapping that has no end. */
interface RunTarget extends Dataquery {
  readonly fromAnnotations: true;
  readonly titleColumn: string;
  readonly textColumn: string;
  readonly tagsColumn: string;
  readonly timeEndColumn: string;
}

function runTarget(policy: string | undefined): Builder<RunTarget> {
  const column = (name: string) => fieldOf(runEvent, name).name;
  const columns = {
    titleColumn: column("title"),
    textColumn: column("text"),
    tagsColumn: column("tags"),
    timeEndColumn: column("time_end"),
  };
  const query = influxql({
    from: runEvent,
    select: Object.values(columns).map((field) => ({ field })),
    // Before the view began only those that reach into it.
    where: [chosen(runEvent, "device"), `"${column("time_end")}" >= \${__from}`],
    reachBack: LONGEST_RUN,
    ...(policy === undefined ? {} : { policy }),
  });
  return { build: () => ({ ...InfluxQuery.table("Runs", query).build(), ...columns, fromAnnotations: true }) };
}

/** The windows of runs as regions. @param policy retention policy to read; the default one unless told */
export function runAnnotation(policy?: string): AnnotationQueryBuilder {
  return new AnnotationQueryBuilder()
    .name("Runs")
    .datasource(DATASOURCE)
    .enable(true)
    .iconColor("purple")
    .target(runTarget(policy));
}
