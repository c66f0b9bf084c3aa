import { PanelBuilder as TimelinePanel } from "@grafana/grafana-foundation-sdk/statetimeline";
import { PanelBuilder as GraphPanel } from "@grafana/grafana-foundation-sdk/timeseries";
import { MEASUREMENTS } from "@edgewatt/protocol";
import { framed, legendWith, type Frame } from "../model/panel.ts";
import { THROTTLING, throttledNow, throttledSinceBoot } from "../model/throttling.ts";
import { GRAFANA_UNIT } from "../model/units.ts";
import { InfluxQuery } from "../queries/influx-target.ts";
import { chosen, fieldOf, influxql, type Query, type Selection } from "../queries/influxql.ts";

const { system } = MEASUREMENTS;

/** Which retention policy is read; the default one unless told. */
type Kept = Pick<Query, "policy">;

function systemQuery(select: readonly Selection[], alias: string, kept: Kept): InfluxQuery {
  const query = influxql({
    ...kept,
    from: system,
    select,
    where: [chosen(system, "device")],
    groupBy: ["device"],
    perInterval: true,
  });
  return InfluxQuery.series("A", query, alias);
}

/** A figure of the machine over time. */
export function systemGraph(frame: Frame, field: string, kept: Kept = {}): GraphPanel {
  return framed(new GraphPanel(), frame)
    .unit(GRAFANA_UNIT[fieldOf(system, field).unit])
    .legend(legendWith("lastNotNull", "max"))
    .withTarget(systemQuery([{ field, call: "mean" }], "$tag_device", kept));
}

/** What the firmware does to the processor: a row per device for now, and one for what has happened since its boot. */
export function throttlingTimeline(frame: Frame, kept: Kept = {}): TimelinePanel {
  const word = { field: "throttled", call: "max" } as const;
  return framed(new TimelinePanel(), frame)
    .unit(GRAFANA_UNIT[fieldOf(system, "throttled").unit])
    .mappings(THROTTLING)
    .mergeValues(true)
    .withTarget(systemQuery([throttledNow(word), throttledSinceBoot(word)], "$tag_device $col", kept));
}
