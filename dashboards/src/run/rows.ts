import type { PanelBuilder as TablePanel } from "@grafana/grafana-foundation-sdk/table";
import type { DynamicConfigValue } from "@grafana/grafana-foundation-sdk/dashboard";
import { MEASUREMENTS } from "@edgewatt/protocol";
import { between, dataLink } from "../model/links.ts";
import type { Frame } from "../model/panel.ts";
import { GRAFANA_UNIT } from "../model/units.ts";
import { InfluxQuery } from "../queries/influx-target.ts";
import { CHOSEN_POLICY, chosen, influxql, ofChosenRun } from "../queries/influxql.ts";
import { columnLook, WHOSE, type Shown } from "../results/columns.ts";
import { figuresTable } from "../results/rows-table.ts";
import { newestRows } from "../results/rows.ts";
import { allBut, groupedBy, joinedBy, named, only, ordered, where } from "../model/transformations.ts";

const { runEvent } = MEASUREMENTS;

const COLUMNS: readonly Shown[] = [
  ...WHOSE,
  ["precision", "Precision"],
  ["pruning_fraction", "Pruning fraction"],
  ["latency_ms", "Latency"],
  ["latency_half_width_ms", "± latency (95 %)"],
  ["accuracy_pct", "Accuracy"],
  ["power_source", "Power source"],
  ["run", "Run"],
  ["flags", "Flags"],
];

const BEGIN = "Begin";
const END = "End";

/** Where a row leads: to the power of its windows, and to the study of its model. */
const ROW_LINKS: DynamicConfigValue = {
  id: "links",
  value: [
    dataLink("Live power in the row's windows", "livePower", {
      keep: [],
      set: { device: "${__data.fields.device}" },
      range: between(BEGIN, END),
    }),
    dataLink("Study of the model", "study", { keep: ["device"], set: { model: "${__data.fields.model}" } }),
  ],
};

function moment(description: string): DynamicConfigValue[] {
  return [
    { id: "unit", value: GRAFANA_UNIT["epoch ms"] },
    { id: "description", value: description },
  ];
}

/** The rows of the chosen runs, each with the time from its first window's begin to its last window's end. */
export function runRows(frame: Frame, rows: readonly string[]): TablePanel {
  const fields = COLUMNS.map(([name]) => name).filter((name) => !["device", "model", "precision"].includes(name));
  const windows = influxql({
    from: runEvent,
    policy: CHOSEN_POLICY,
    select: [{ field: "time_end" }, { field: "run" }],
    where: [chosen(runEvent, "device"), ofChosenRun(runEvent)],
  });
  const table = figuresTable(frame)
    .withTarget(InfluxQuery.table("A", newestRows(fields, rows)))
    .withTarget(InfluxQuery.table("B", windows))
    .withTransformation(only(["A"], ordered([], ["Time", "pruning"])))
    .withTransformation(only(["B"], groupedBy(["run"], { Time: "min", time_end: "max" })))
    .withTransformation(allBut(["A"], named({ "Time (min)": BEGIN, "time_end (max)": END })))
    .withTransformation(joinedBy("run"))
    .withTransformation(where({ column: "latency_ms", is: "isNotNull" }))
    .withTransformation(ordered([...COLUMNS.map(([name]) => name), BEGIN, END]))
    .overrideByName(BEGIN, moment("Begin of the row's first window"))
    .overrideByName(END, moment("End of the row's last window"));
  for (const column of COLUMNS) table.overrideByName(column[0], columnLook(column));
  return table.overrideByName("run", [ROW_LINKS]).overrideByName("model", [ROW_LINKS]);
}
