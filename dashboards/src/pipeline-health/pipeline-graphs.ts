import { GraphDrawStyle, StackingConfigBuilder, StackingMode } from "@grafana/grafana-foundation-sdk/common";
import { PanelBuilder as GraphPanel } from "@grafana/grafana-foundation-sdk/timeseries";
import { MEASUREMENTS } from "@edgewatt/protocol";
import { framed, legendWith, type Frame } from "../model/panel.ts";
import { GRAFANA_UNIT } from "../model/units.ts";
import { INTERVAL_MS } from "../queries/columns.ts";
import { InfluxQuery } from "../queries/influx-target.ts";
import { chosen, CHOSEN_POLICY, equals, fieldOf, influxql, type Selection } from "../queries/influxql.ts";

const { pipeline } = MEASUREMENTS;

/** Who tells: agents of the chosen devices, or the services beside them, which have no device. */
type Teller = "agent" | "ingest";

function tellers(service: Teller): string[] {
  const isService = equals(pipeline, "service", service);
  return service === "agent" ? [isService, chosen(pipeline, "device")] : [isService];
}

function graph(frame: Frame, service: Teller, select: Selection): GraphPanel {
  const query = influxql({
    from: pipeline,
    select: [select],
    where: tellers(service),
    groupBy: ["service", "id"],
    perInterval: true,
    policy: CHOSEN_POLICY,
  });
  return framed(new GraphPanel(), frame)
    .min(0)
    .withTarget(InfluxQuery.series("A", query, "$tag_service $tag_id"));
}

/** Counts as a rate per second, which is comparable whatever the interval of the graph. */
export function rateGraph(frame: Frame, service: Teller, field: "points" | "batches" | "acks"): GraphPanel {
  const perMs = {
    left: { left: { field, call: "sum" }, operator: "*", right: 1000 },
    operator: "/",
    right: INTERVAL_MS,
    as: "per_second",
  } as const;
  return graph(frame, service, perMs)
    .unit(`suffix:${field === "points" ? "points/s" : "/s"}`)
    .legend(legendWith("lastNotNull", "mean", "max"));
}

/** The largest value of each interval. */
export function levelGraph(
  frame: Frame,
  service: Teller,
  field: "spool_batches" | "spool_age_s" | "queue",
): GraphPanel {
  return graph(frame, service, { field, call: "max" })
    .unit(GRAFANA_UNIT[fieldOf(pipeline, field).unit])
    .legend(legendWith("lastNotNull", "max"));
}

/** What was lost or set aside, as stacked bars; an interval with none of it has none. */
export function lossGraph(frame: Frame, service: Teller, field: "dropped" | "dead_letters"): GraphPanel {
  return graph(frame, service, { field, call: "sum" })
    .unit(GRAFANA_UNIT[fieldOf(pipeline, field).unit])
    .drawStyle(GraphDrawStyle.Bars)
    .fillOpacity(60)
    .stacking(new StackingConfigBuilder().mode(StackingMode.Normal))
    .legend(legendWith("sum"));
}
