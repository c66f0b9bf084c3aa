import { BigValueColorMode, BigValueGraphMode, ReduceDataOptionsBuilder } from "@grafana/grafana-foundation-sdk/common";
import { PanelBuilder as StatPanel } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as GraphPanel } from "@grafana/grafana-foundation-sdk/timeseries";
import { MEASUREMENTS } from "@edgewatt/protocol";
import { DASHED, ESTIMATED_SERIES, MARK_MODELS } from "../model/estimates.ts";
import { dataLink, linkBuilder } from "../model/links.ts";
import { framed, legendWith, type Frame } from "../model/panel.ts";
import { GRAFANA_UNIT } from "../model/units.ts";
import { InfluxQuery } from "../queries/influx-target.ts";
import { chosen, fieldOf, influxql, type Query, type Selection } from "../queries/influxql.ts";

const { power } = MEASUREMENTS;

export const WATT = GRAFANA_UNIT[fieldOf(power, "watts").unit];

/** The source stands in every legend, so that an estimate is never taken for a measurement. */
const CHANNEL = "$tag_device $tag_channel ($tag_source)";

function powerQuery(
  refId: string,
  selection: Selection,
  alias: string,
  read: Pick<Query, "perInterval" | "lately">,
): InfluxQuery {
  const query = influxql({
    ...read,
    from: power,
    select: [selection],
    where: [chosen(power, "device")],
    groupBy: ["device", "channel", "source"],
  });
  return InfluxQuery.series(refId, query, alias);
}

/** One figure per channel of the chosen devices, of the whole view unless told. */
export function powerFigure(
  frame: Frame,
  selection: Selection,
  unit: string,
  read: Pick<Query, "lately"> = {},
): StatPanel {
  return framed(new StatPanel(), frame)
    .unit(unit)
    .decimals(2)
    .noValue("no power telemetry")
    .colorMode(BigValueColorMode.None)
    .graphMode(BigValueGraphMode.None)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(["lastNotNull"]))
    .withTarget(powerQuery("A", selection, CHANNEL, read))
    .withTransformation(MARK_MODELS);
}

/** Mean power as lines, the largest raw sample of each interval as points. */
export function powerGraph(frame: Frame): GraphPanel {
  return framed(new GraphPanel(), frame)
    .unit(WATT)
    .min(0)
    .fillOpacity(10)
    .legend(legendWith("lastNotNull", "mean", "max"))
    .dataLinks([
      linkBuilder(
        dataLink("Only ${__field.labels.device}", "livePower", {
          keep: [],
          set: { device: "${__field.labels.device}" },
        }),
      ),
    ])
    .withTarget(powerQuery("A", { field: "watts", call: "mean" }, CHANNEL, { perInterval: true }))
    .withTarget(powerQuery("B", { field: "watts_max", call: "max" }, `${CHANNEL} peak`, { perInterval: true }))
    .withTransformation(MARK_MODELS)
    .overrideByRegexp(ESTIMATED_SERIES, DASHED)
    .overrideByQuery("B", [
      { id: "custom.lineWidth", value: 0 },
      { id: "custom.fillOpacity", value: 0 },
      { id: "custom.drawStyle", value: "points" },
      { id: "custom.pointSize", value: 2 },
    ]);
}
