import { MappingType, type ValueMapping } from "@grafana/grafana-foundation-sdk/dashboard";
import { PanelBuilder as TimelinePanel } from "@grafana/grafana-foundation-sdk/statetimeline";
import { MEASUREMENTS } from "@edgewatt/protocol";
import { framed, type Frame } from "../model/panel.ts";
import { GRAFANA_UNIT } from "../model/units.ts";
import { InfluxQuery } from "../queries/influx-target.ts";
import { chosen, CHOSEN_POLICY, influxql } from "../queries/influxql.ts";

const { deviceState } = MEASUREMENTS;

/** The words for whether a wall clock is synchronized. */
export const CLOCK_SYNC: ValueMapping[] = [
  {
    type: MappingType.ValueToText,
    options: {
      true: { text: "synchronized", color: "green", index: 0 },
      false: { text: "not synchronized", color: "red", index: 1 },
    },
  },
];

/** A row per device: what it did, or whether its clock was synchronized; a stretch without telemetry stays empty. */
export function stateTimeline(frame: Frame, field: "state" | "sync"): TimelinePanel {
  const query = influxql({
    from: deviceState,
    select: [{ field, call: "last" }],
    where: [chosen(deviceState, "device")],
    groupBy: ["device"],
    perInterval: true,
    fill: "null",
    policy: CHOSEN_POLICY,
  });
  const panel = framed(new TimelinePanel(), frame)
    .unit(field === "sync" ? GRAFANA_UNIT["1"] : GRAFANA_UNIT.text)
    .mergeValues(true)
    .withTarget(InfluxQuery.series("A", query, "$tag_device"));
  return field === "sync" ? panel.mappings(CLOCK_SYNC) : panel;
}
