import type { DynamicConfigValue } from "@grafana/grafana-foundation-sdk/dashboard";
import { PanelBuilder as TablePanel } from "@grafana/grafana-foundation-sdk/table";
import * as units from "@grafana/grafana-foundation-sdk/units";
import { MEASUREMENTS } from "@edgewatt/protocol";
import { dataLink } from "../model/links.ts";
import { framed, type Frame } from "../model/panel.ts";
import { ordered } from "../model/transformations.ts";
import { GRAFANA_UNIT } from "../model/units.ts";
import { InfluxQuery } from "../queries/influx-target.ts";
import { chosen, equals, fieldOf, influxql } from "../queries/influxql.ts";

const { pipeline } = MEASUREMENTS;

/** Every report has it; the others are of the same point, so that no row mixes two reports. */
const NEWEST_BY = "batches";

const COLUMNS: readonly (readonly [field: string, head: string])[] = [
  [NEWEST_BY, "Batches"],
  ["points", "Points"],
  ["acks", "Acknowledgements"],
  ["spool_batches", "Spool"],
  ["spool_age_s", "Spool age"],
  ["queue", "In memory"],
  ["dropped", "Dropped"],
  ["dead_letters", "Dead letters"],
];

function look(field: string, head: string): DynamicConfigValue[] {
  const { unit, description } = fieldOf(pipeline, field);
  return [
    { id: "displayName", value: head },
    { id: "unit", value: GRAFANA_UNIT[unit] },
    { id: "description", value: description },
  ];
}

/** The newest report of each agent of the chosen devices, and of each service, which has no device. */
export function reportTable(frame: Frame): TablePanel {
  const query = influxql({
    from: pipeline,
    select: COLUMNS.map(([field]) => (field === NEWEST_BY ? { field, call: "last", as: field } : { field })),
    where: [`(${chosen(pipeline, "device")} OR ${equals(pipeline, "device", "")})`],
    groupBy: ["service", "id", "device"],
  });
  const panel = framed(new TablePanel(), frame)
    .unit(GRAFANA_UNIT["1"])
    .filterable(true)
    .noValue("")
    .withTarget(InfluxQuery.table("A", query))
    .withTransformation(ordered(["service", "id", "device", "Time", ...COLUMNS.map(([field]) => field)]));
  panel
    .overrideByName("service", [{ id: "displayName", value: "Service" }])
    .overrideByName("id", [{ id: "displayName", value: "Name" }])
    .overrideByName("device", [
      { id: "displayName", value: "Device" },
      {
        id: "links",
        value: [
          dataLink("Live power of ${__value.text}", "livePower", {
            keep: [],
            set: { device: "${__value.text}" },
          }),
        ],
      },
    ])
    .overrideByName("Time", [
      { id: "displayName", value: "Last report" },
      { id: "unit", value: units.DateTimeFromNow },
    ]);
  for (const [field, head] of COLUMNS) panel.overrideByName(field, look(field, head));
  return panel;
}
