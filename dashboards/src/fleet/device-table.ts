import {
  MappingType,
  SpecialValueMatch,
  type DynamicConfigValue,
  type ValueMapping,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { PanelBuilder as TablePanel } from "@grafana/grafana-foundation-sdk/table";
import * as units from "@grafana/grafana-foundation-sdk/units";
import { MEASUREMENTS } from "@edgewatt/protocol";
import { ESTIMATED_SOURCES } from "../model/estimates.ts";
import { dataLink } from "../model/links.ts";
import { framed, type Frame } from "../model/panel.ts";
import { SILENT_AFTER } from "../model/silence.ts";
import { THROTTLING, throttledNow, throttledSinceBoot } from "../model/throttling.ts";
import { joinedBy, named, only, ordered, withoutTime } from "../model/transformations.ts";
import { GRAFANA_UNIT } from "../model/units.ts";
import { InfluxQuery } from "../queries/influx-target.ts";
import { chosen, fieldOf, influxql, type Query } from "../queries/influxql.ts";
import { CLOCK_SYNC } from "./state-timeline.ts";

const { deviceState, power, system } = MEASUREMENTS;

function table(refId: string, query: Query): InfluxQuery {
  return InfluxQuery.table(refId, influxql(query));
}

/** A device that has been silent for longer is not listed. */
const REMEMBERED = "7d";

/** The newest state, also of a device that has been silent for days; its time is when the device was last heard. */
const state = table("A", {
  from: deviceState,
  select: [{ field: "state", call: "last", as: "state" }, { field: "job" }, { field: "job_state" }, { field: "sync" }],
  where: [chosen(deviceState, "device")],
  groupBy: ["device"],
  reachBack: REMEMBERED,
});

/** Points of every device that is known, with nothing for a silent one: without such a row the column would be gone when all are silent. */
const heard = table("B", {
  from: [
    {
      from: deviceState,
      select: [{ field: "state" }],
      where: [chosen(deviceState, "device")],
      groupBy: ["device"],
      lately: SILENT_AFTER,
    },
    {
      from: deviceState,
      select: [{ field: "sync", call: "last", as: "known" }],
      where: [chosen(deviceState, "device")],
      groupBy: ["device"],
      reachBack: REMEMBERED,
    },
  ],
  select: [
    { field: "state", call: "count", as: "heard" },
    { field: "known", call: "count", as: "known" },
  ],
  groupBy: ["device"],
  reachBack: REMEMBERED,
});

/** Channels may be parts of one another, so their sum would count some watts twice. */
const watts = table("C", {
  from: {
    from: power,
    select: [{ field: "watts", call: "last", as: "channel_watts" }],
    where: [chosen(power, "device")],
    groupBy: ["device", "channel", "source"],
    lately: SILENT_AFTER,
  },
  select: [{ field: "channel_watts", call: "max", as: "watts" }, { field: "channel" }, { field: "source" }],
  groupBy: ["device"],
  lately: SILENT_AFTER,
});

const machine = table("D", {
  from: system,
  select: [
    { field: "temp_c", call: "last", as: "temp_c" },
    throttledNow({ field: "throttled", call: "last" }),
    throttledSinceBoot({ field: "throttled", call: "last" }),
  ],
  where: [chosen(system, "device")],
  groupBy: ["device"],
  lately: SILENT_AFTER,
});

/** A name of its own for the time of the newest state: a join puts that of the frame beside `Time`, by which no order knows it. */
const SEEN = "seen";

const HEARD: ValueMapping[] = [
  {
    type: MappingType.RangeToText,
    // An open end is 0 to Grafana.
    options: { from: 1, to: Number.MAX_SAFE_INTEGER, result: { text: "heard", color: "green", index: 0 } },
  },
  {
    type: MappingType.SpecialValue,
    options: { match: SpecialValueMatch.Null, result: { text: "silent", color: "red", index: 1 } },
  },
];

const coloured: DynamicConfigValue = { id: "custom.cellOptions", value: { type: "color-text" } };

const AS_LAST_TOLD: DynamicConfigValue = {
  id: "description",
  value: "As the device told when it was last seen: of a silent one it may have changed since",
};

/** The columns in their order, each with its head and look. */
const COLUMNS: readonly (readonly [name: string, head: string, ...look: DynamicConfigValue[]])[] = [
  [
    "device",
    "Device",
    { id: "unit", value: GRAFANA_UNIT.text },
    {
      id: "links",
      value: [
        dataLink("Live power of ${__value.text}", "livePower", {
          keep: [],
          set: { device: "${__value.text}" },
        }),
      ],
    },
  ],
  ["heard", "Telemetry", { id: "unit", value: GRAFANA_UNIT["1"] }, { id: "mappings", value: HEARD }, coloured],
  ["state", "State", { id: "unit", value: GRAFANA_UNIT.text }, AS_LAST_TOLD],
  [SEEN, "Last seen", { id: "unit", value: units.DateTimeFromNow }],
  [
    "watts",
    "Power",
    { id: "unit", value: GRAFANA_UNIT[fieldOf(power, "watts").unit] },
    { id: "decimals", value: 2 },
    { id: "description", value: "Newest power of the channel that draws most; channels may be parts of one another" },
  ],
  ["channel", "Channel", { id: "unit", value: GRAFANA_UNIT.text }],
  ["source", "Source", { id: "unit", value: GRAFANA_UNIT.text }, { id: "mappings", value: ESTIMATED_SOURCES }],
  ["temp_c", "Temperature", { id: "unit", value: GRAFANA_UNIT[fieldOf(system, "temp_c").unit] }],
  ["now", "Throttled now", { id: "mappings", value: THROTTLING }, coloured],
  ["since boot", "Throttled since boot", { id: "mappings", value: THROTTLING }, coloured],
  ["sync", "Clock", { id: "mappings", value: CLOCK_SYNC }, coloured],
  [
    "job",
    "Job",
    { id: "unit", value: GRAFANA_UNIT.text },
    {
      id: "links",
      value: [dataLink("Run", "run", { keep: [], set: { device: "${__data.fields.device}", run: "${__value.text}" } })],
    },
  ],
  ["job_state", "Job state", { id: "unit", value: GRAFANA_UNIT.text }, AS_LAST_TOLD],
];

/** A row per device: what it does, and what it draws. */
export function deviceTable(frame: Frame): TablePanel {
  const panel = framed(new TablePanel(), frame)
    .unit(GRAFANA_UNIT["1"])
    .filterable(true)
    .noValue("no device has told of itself")
    .withTarget(state)
    .withTarget(heard)
    .withTarget(watts)
    .withTarget(machine)
    .withTransformation(withoutTime("B", "C", "D"))
    .withTransformation(only(["A"], named({ Time: SEEN })))
    .withTransformation(joinedBy("device"))
    .withTransformation(
      ordered(
        COLUMNS.map(([name]) => name),
        ["known"],
      ),
    );
  for (const [name, head, ...look] of COLUMNS) {
    panel.overrideByName(name, [{ id: "displayName", value: head }, ...look]);
  }
  return panel;
}
