import { PanelBuilder as TablePanel } from "@grafana/grafana-foundation-sdk/table";
import { framed, type Frame } from "../model/panel.ts";
import { GRAFANA_UNIT } from "../model/units.ts";
import { InfluxQuery } from "../queries/influx-target.ts";
import { ordered } from "../model/transformations.ts";
import { columnLook, isTag, WHOSE, type Shown } from "./columns.ts";
import { newestRows, ROW_TAGS } from "./rows.ts";

/** An empty table of figures, in which columns can be filtered. */
export function figuresTable(frame: Frame): TablePanel {
  return framed(new TablePanel(), frame).unit(GRAFANA_UNIT.text).filterable(true).noValue("no results");
}

/** The time of a row's point, as InfluxDB's data source calls the column. */
export const TIME = "Time";

/** A row per device, model, precision and pruning with these columns of `run_summary`, and the time where it is among them. */
export function rowsTable(frame: Frame, columns: readonly Shown[], where: readonly string[]): TablePanel {
  const fields = columns.map(([name]) => name).filter((name) => !isTag(name) && name !== TIME);
  const shown = [...WHOSE, ...columns];
  const order = shown.map(([name]) => name);
  const dropped = [TIME, ...ROW_TAGS, ...(fields.includes("latency_ms") ? [] : ["latency_ms"])];
  const table = figuresTable(frame)
    .withTarget(InfluxQuery.table("A", newestRows(fields, where)))
    .withTransformation(
      ordered(
        order,
        dropped.filter((name) => !order.includes(name)),
      ),
    );
  for (const column of shown.filter(([name]) => name !== TIME)) table.overrideByName(column[0], columnLook(column));
  return table;
}
