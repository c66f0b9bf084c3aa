import { PanelBuilder as TimelinePanel } from "@grafana/grafana-foundation-sdk/statetimeline";
import { PanelBuilder as GraphPanel } from "@grafana/grafana-foundation-sdk/timeseries";
import { MEASUREMENTS } from "@edgewatt/protocol";
import { framed, legendWith, type Frame } from "../model/panel.ts";
import { THROTTLING, throttledNow, throttledSinceBoot } from "../model/throttling.ts";
import { GRAFANA_UNIT } from "../model/units.ts";
import { InfluxQuery } from "../queries/influx-target.ts";
import { chosen, CHOSEN_POLICY, fieldOf, influxql, type Selection } from "../queries/influxql.ts";

const { system } = MEASUREMENTS;

function systemQuery(select: readonly Selection[], alias: string): InfluxQuery {
  const query = influxql({
    from: system,
    select,
    where: [chosen(system, "device")],
    groupBy: ["device"],
    perInterval: true,
    policy: CHOSEN_POLICY,
  });
  return InfluxQuery.series("A", query, alias);
}

/** A figure of the machine over time. */
export function systemGraph(frame: Frame, field: string): GraphPanel {
  return framed(new GraphPanel(), frame)
    .unit(GRAFANA_UNIT[fieldOf(system, field).unit])
    .legend(legendWith("lastNotNull", "max"))
    .withTarget(systemQuery([{ field, call: "mean" }], "$tag_device"));
}

/** What the firmware does to the processor: a row per device for now, and one for what has happened since its boot. */
export function throttlingTimeline(frame: Frame): TimelinePanel {
  const word = { field: "throttled", call: "max" } as const;
  return framed(new TimelinePanel(), frame)
    .unit(GRAFANA_UNIT[fieldOf(system, "throttled").unit])
    .mappings(THROTTLING)
    .mergeValues(true)
    .withTarget(systemQuery([throttledNow(word), throttledSinceBoot(word)], "$tag_device $col"));
}
