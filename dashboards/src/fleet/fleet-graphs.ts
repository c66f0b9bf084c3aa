import { GraphDrawStyle, StackingConfigBuilder, StackingMode } from "@grafana/grafana-foundation-sdk/common";
import { PanelBuilder as GraphPanel } from "@grafana/grafana-foundation-sdk/timeseries";
import { MEASUREMENTS } from "@edgewatt/protocol";
import { DASHED, ESTIMATED_SERIES, MARK_MODELS } from "../model/estimates.ts";
import { dataLink, linkBuilder } from "../model/links.ts";
import { framed, legendWith, type Frame } from "../model/panel.ts";
import { GRAFANA_UNIT } from "../model/units.ts";
import { InfluxQuery } from "../queries/influx-target.ts";
import { chosen, CHOSEN_POLICY, fieldOf, influxql } from "../queries/influxql.ts";

const { gap, power } = MEASUREMENTS;
const SECONDS_PER_MINUTE = 60;

const toLivePower = linkBuilder(
  dataLink("Live power of ${__field.labels.device}", "livePower", {
    keep: [],
    set: { device: "${__field.labels.device}" },
  }),
);

/** Mean power as joules per minute, whatever the interval of the graph. */
export function energyGraph(frame: Frame): GraphPanel {
  const query = influxql({
    from: power,
    select: [
      { left: { field: "watts", call: "mean" }, operator: "*", right: SECONDS_PER_MINUTE, as: "joules_per_minute" },
    ],
    where: [chosen(power, "device")],
    groupBy: ["device", "channel", "source"],
    perInterval: true,
    policy: CHOSEN_POLICY,
  });
  return framed(new GraphPanel(), frame)
    .unit("suffix:J/min")
    .min(0)
    .legend(legendWith("lastNotNull", "mean", "max"))
    .dataLinks([toLivePower])
    .withTarget(InfluxQuery.series("A", query, "$tag_device $tag_channel ($tag_source)"))
    .withTransformation(MARK_MODELS)
    .overrideByRegexp(ESTIMATED_SERIES, DASHED);
}

/** Points lost as stacked bars. */
export function gapGraph(frame: Frame): GraphPanel {
  const query = influxql({
    from: gap,
    select: [{ field: "lost", call: "sum" }],
    where: [chosen(gap, "device")],
    groupBy: ["device", "stream"],
    perInterval: true,
    policy: CHOSEN_POLICY,
  });
  return framed(new GraphPanel(), frame)
    .unit(GRAFANA_UNIT[fieldOf(gap, "lost").unit])
    .min(0)
    .drawStyle(GraphDrawStyle.Bars)
    .fillOpacity(60)
    .stacking(new StackingConfigBuilder().mode(StackingMode.Normal))
    .legend(legendWith("sum"))
    .noValue("no point was lost")
    .dataLinks([toLivePower])
    .withTarget(InfluxQuery.series("A", query, "$tag_device $tag_stream"));
}
