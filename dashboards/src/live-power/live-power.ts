import { BigValueColorMode, BigValueGraphMode, ReduceDataOptionsBuilder } from "@grafana/grafana-foundation-sdk/common";
import { MappingType, type Dashboard, type ValueMapping } from "@grafana/grafana-foundation-sdk/dashboard";
import { PanelBuilder as StatPanel } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as TimelinePanel } from "@grafana/grafana-foundation-sdk/statetimeline";
import { PanelBuilder as GraphPanel } from "@grafana/grafana-foundation-sdk/timeseries";
import { MEASUREMENTS, MODELLED_SOURCES } from "@edgewatt/protocol";
import { buildDashboard } from "../model/dashboard.ts";
import { InfluxQuery } from "../queries/influx-target.ts";
import { framed, legendWith, type Frame } from "../model/panel.ts";
import { chosen, fieldOf, influxql, type Selection } from "../queries/influxql.ts";
import { runAnnotation } from "../annotations/runs.ts";
import { GRAFANA_UNIT, JOULE } from "../model/units.ts";
import { datasourceVariable, tagVariable } from "../variables/choices.ts";

const { power, system } = MEASUREMENTS;

/** The source stands in every legend, so that an estimate is never taken for a measurement. */
const CHANNEL = "$tag_device $tag_channel ($tag_source)";

/** A model whose name does not say that it is one gets the word beside its name. */
const MARK_MODELS = {
  id: "renameByRegex",
  options: {
    regex: `\\((${MODELLED_SOURCES.filter((source) => source !== "estimate").join("|")})\\)`,
    renamePattern: "($1, estimate)",
  },
};

function powerQuery(refId: string, selection: Selection, alias: string, perInterval: boolean): InfluxQuery {
  const query = influxql({
    from: power,
    select: [selection],
    where: [chosen(power, "device")],
    groupBy: ["device", "channel", "source"],
    perInterval,
  });
  return InfluxQuery.series(refId, query, alias);
}

function powerFigure(frame: Frame, selection: Selection, unit: string): StatPanel {
  return framed(new StatPanel(), frame)
    .unit(unit)
    .decimals(2)
    .noValue("no power telemetry")
    .colorMode(BigValueColorMode.None)
    .graphMode(BigValueGraphMode.None)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(["lastNotNull"]))
    .withTarget(powerQuery("A", selection, CHANNEL, false))
    .withTransformation(MARK_MODELS);
}

function powerGraph(frame: Frame): GraphPanel {
  return framed(new GraphPanel(), frame)
    .unit(GRAFANA_UNIT[fieldOf(power, "watts").unit])
    .min(0)
    .fillOpacity(10)
    .legend(legendWith("lastNotNull", "mean", "max"))
    .withTarget(powerQuery("A", { field: "watts", call: "mean" }, CHANNEL, true))
    .withTarget(powerQuery("B", { field: "watts_max", call: "max" }, `${CHANNEL} peak`, true))
    .withTransformation(MARK_MODELS)
    .overrideByQuery("B", [
      { id: "custom.lineWidth", value: 0 },
      { id: "custom.fillOpacity", value: 0 },
      { id: "custom.drawStyle", value: "points" },
      { id: "custom.pointSize", value: 2 },
    ]);
}

function systemQuery(field: string, call: "mean" | "last"): InfluxQuery {
  const query = influxql({
    from: system,
    select: [{ field, call }],
    where: [chosen(system, "device")],
    groupBy: ["device"],
    perInterval: true,
  });
  return InfluxQuery.series("A", query, "$tag_device");
}

function systemGraph(frame: Frame, field: string): GraphPanel {
  return framed(new GraphPanel(), frame)
    .unit(GRAFANA_UNIT[fieldOf(system, field).unit])
    .legend(legendWith("lastNotNull", "max"))
    .withTarget(systemQuery(field, "mean"));
}

const THROTTLING: ValueMapping[] = [
  { type: MappingType.ValueToText, options: { "0": { text: "none", color: "green", index: 0 } } },
  {
    type: MappingType.RangeToText,
    options: { from: 1, to: null, result: { text: "throttled", color: "red", index: 1 } },
  },
];

function throttlingTimeline(frame: Frame): TimelinePanel {
  return framed(new TimelinePanel(), frame)
    .unit(GRAFANA_UNIT[fieldOf(system, "throttled").unit])
    .mappings(THROTTLING)
    .mergeValues(true)
    .withTarget(systemQuery("throttled", "last"));
}

/** Watts of the fleet as they are measured. */
export function livePower(): Dashboard {
  const watts = GRAFANA_UNIT[fieldOf(power, "watts").unit];
  return buildDashboard({
    uid: "edgewatt-live-power",
    title: "Live power",
    description: "Electrical power of each device and channel, with the windows of runs; estimates are named as such",
    from: "now-5m",
    refresh: "1s",
    variables: [datasourceVariable(), tagVariable(power, "device")],
    annotations: [runAnnotation()],
    panels: [
      powerFigure(
        { id: 1, title: "Now", description: "Newest mean over a tenth of a second, per channel", at: [0, 0, 6, 5] },
        { field: "watts", call: "last" },
        watts,
      ),
      powerFigure(
        { id: 2, title: "Mean in view", description: "Mean power over the time range", at: [6, 0, 6, 5] },
        { field: "watts", call: "mean" },
        watts,
      ),
      powerFigure(
        { id: 3, title: "Peak in view", description: "Largest raw sample in the time range", at: [12, 0, 6, 5] },
        { field: "watts_max", call: "max" },
        watts,
      ),
      powerFigure(
        {
          id: 4,
          title: "Energy in view",
          description: "Integral of the power over the time range; a gap in the telemetry counts as a straight line",
          at: [18, 0, 6, 5],
        },
        { field: "watts", call: "integral" },
        JOULE,
      ),
      powerGraph({
        id: 5,
        title: "Power",
        description: "Mean power per interval as a line, the largest raw sample as points; the shaded regions are runs",
        at: [0, 5, 24, 12],
      }),
      systemGraph(
        { id: 6, title: "Temperature", description: "Temperature of the processor", at: [0, 17, 8, 8] },
        "temp_c",
      ),
      systemGraph({ id: 7, title: "CPU", description: "CPU use over all cores", at: [8, 17, 8, 8] }, "cpu_pct"),
      throttlingTimeline({
        id: 8,
        title: "Throttling",
        description: "Whether the firmware limits the processor, for heat or too low a voltage",
        at: [16, 17, 8, 8],
      }),
    ],
  });
}
