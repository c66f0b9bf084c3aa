import { PanelBuilder as GraphPanel } from "@grafana/grafana-foundation-sdk/timeseries";
import { MEASUREMENTS } from "@edgewatt/protocol";
import { DASHED, ESTIMATED_SERIES, MARK_MODELS } from "../model/estimates.ts";
import { framed, legendWith, type Frame } from "../model/panel.ts";
import { GRAFANA_UNIT } from "../model/units.ts";
import { InfluxQuery } from "../queries/influx-target.ts";
import { CHOSEN_POLICY, chosen, fieldOf, influxql, ofChosenRun } from "../queries/influxql.ts";

const { power } = MEASUREMENTS;

/** Power inside the windows of the chosen runs: only their points carry a run. */
export function windowPower(frame: Frame): GraphPanel {
  const query = influxql({
    from: power,
    policy: CHOSEN_POLICY,
    select: [{ field: "watts", call: "mean" }],
    where: [chosen(power, "device"), ofChosenRun(power)],
    groupBy: ["device", "channel", "source"],
    perInterval: true,
  });
  return framed(new GraphPanel(), frame)
    .unit(GRAFANA_UNIT[fieldOf(power, "watts").unit])
    .min(0)
    .noValue("no power inside a window in this time range")
    .fillOpacity(10)
    .legend(legendWith("mean", "max"))
    .withTarget(InfluxQuery.series("A", query, "$tag_device $tag_channel ($tag_source)"))
    .withTransformation(MARK_MODELS)
    .overrideByRegexp(ESTIMATED_SERIES, DASHED);
}
