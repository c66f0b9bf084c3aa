import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import { TooltipDisplayMode, SortOrder, VizTooltipOptionsBuilder } from "@grafana/grafana-foundation-sdk/common";
import type { DynamicConfigValue, Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { PanelBuilder as ScatterPanel, XYShowMode } from "@grafana/grafana-foundation-sdk/xychart";
import { MEASUREMENTS, MODELLED_SOURCES } from "@edgewatt/protocol";
import { framed, legendWith, type Frame } from "../model/panel.ts";
import { GRAFANA_UNIT } from "../model/units.ts";
import { InfluxQuery } from "../queries/influx-target.ts";
import { fieldOf } from "../queries/influxql.ts";
import { newestOf } from "../results/rows.ts";
import {
  allBut,
  copied,
  copyOf,
  joinedBy,
  only,
  ordered,
  renamed,
  sortedBy,
  splitBy,
  type Step,
} from "../model/transformations.ts";

const { runSummary } = MEASUREMENTS;

/** Letters of the queries of a figure: what is on its axes. */
const Y = "A";
const X = "B";

export interface Axes {
  readonly x: string;
  readonly y: string;
  /** Whether a figure comes from the power source: its name is then in that of the series, so that an estimate is called one. */
  readonly power: boolean;
}

const RUN = { field: "run" };

/** A series is named by its frame alone: what is before that is the name of a copy. */
const NAMED_BY_FRAME: Step = renamed(String.raw`/^.* \* 1 (\S+)$/`, "$1");

/** A source that does not say that it is a model gets the word, in one word with its name as `splitBy` makes them. */
const MARK_SERIES: Step = renamed(
  `/·(${MODELLED_SOURCES.filter((source) => source !== "estimate").join("|")})$/`,
  "·$1·estimate",
);

/** Each row of the study once, its y in the column of its series: precision, device and, where it matters, power source. */
function seriesSteps({ x, y, power }: Axes, more: More | undefined): Step[] {
  const series = ["precision", "device", ...(power ? ["power_source"] : [])];
  return [
    ...(more?.steps ?? []),
    only([Y], copied(y)),
    only([Y], ordered([...series, "run", copyOf(y)], ["Time", "model", "pruning", y])),
    only([Y], splitBy(series)),
    only([X], ordered([], ["Time", "pruning"])),
    joinedBy("run"),
    NAMED_BY_FRAME,
    ...(more === undefined ? [] : [more.names]),
    ...(power ? [MARK_SERIES] : []),
    sortedBy(x),
  ];
}

interface More {
  readonly targets: readonly InfluxQuery[];
  readonly steps: readonly Step[];
  /** What their columns are called in the end. */
  readonly names: Step;
}

interface FigureExtras {
  /** Whether the rows of a series are joined in the order of x. */
  readonly lines?: boolean;
  /** Queries of their own, and steps that make columns of them which the rows find by `run`. */
  readonly more?: More;
  /** How the columns that a regular expression finds are drawn. */
  readonly look?: readonly [regexp: string, properties: DynamicConfigValue[]];
}

/**
 * Rows as points, a series per precision and device. Its options are the form that Grafana 10 and 11.0 read and 11.1 to 13 migrate on
 * load: they take every panel without a version for that old form, and would find no series in the new one.
 */
export function figure(
  frame: Frame,
  axes: Axes,
  rows: readonly string[],
  { lines = false, more, look }: FigureExtras = {},
): Builder<Panel> {
  const { x, y, power } = axes;
  const [xField, yField] = [fieldOf(runSummary, x), fieldOf(runSummary, y)];
  const panel = framed(new ScatterPanel(), frame)
    .unit(GRAFANA_UNIT[yField.unit])
    .noValue("no rows have both figures")
    .show(lines ? XYShowMode.PointsAndLines : XYShowMode.Points)
    .pointSize({ fixed: 8 })
    .axisLabel(yField.description)
    .legend(legendWith())
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Single).sort(SortOrder.None))
    .overrideByName(x, [
      { id: "unit", value: GRAFANA_UNIT[xField.unit] },
      { id: "custom.axisLabel", value: xField.description },
      { id: "displayName", value: xField.description },
    ])
    .withTarget(
      InfluxQuery.table(Y, newestOf({ field: y }, [RUN, ...(power ? [{ field: "power_source" }] : [])], rows)),
    )
    .withTarget(InfluxQuery.table(X, newestOf({ field: x }, [RUN], rows)));
  for (const target of more?.targets ?? []) panel.withTarget(target);
  for (const step of seriesSteps(axes, more)) panel.withTransformation(step);
  if (look !== undefined) panel.overrideByRegexp(...look);
  return {
    build() {
      const built = panel.build();
      const { legend, tooltip } = built.options as Record<string, unknown>;
      return {
        ...built,
        options: { seriesMapping: "auto", dims: { frame: 0, x, exclude: [] }, series: [], legend, tooltip },
      };
    },
  };
}

/** The step for what does not come from the queries of the axes. */
export const beyondAxes = (step: Step): Step => allBut([Y, X], step);
