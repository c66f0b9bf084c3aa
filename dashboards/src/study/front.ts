import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { DynamicConfigValue, Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { XYShowMode } from "@grafana/grafana-foundation-sdk/xychart";
import type { Frame } from "../model/panel.ts";
import { InfluxQuery } from "../queries/influx-target.ts";
import { newestOf } from "../results/rows.ts";
import {
  computed,
  groupedBy,
  joinedBy,
  only,
  ordered,
  renamed,
  sortedBy,
  splitBy,
  where,
  type Step,
} from "../model/transformations.ts";
import { beyondAxes, figure } from "./figure.ts";

const [OWN, OTHER] = ["C", "D"] as const;
const ENERGY = "energy_gross_mj";
const ACCURACY = "accuracy_pct";

const OTHER_ENERGY = "other energy";
const OTHER_ACCURACY = "other accuracy";

const FRONT = "front";
const SAVED = "saved by the other";
const GAINED = "gained by the other";
const BEATEN = "beaten by";

/**
 * The rows that no other of their device beats in both energy and accuracy. Every row is paired with every row of its device; pairs stay in
 * which the other is no worse in both, and their differences add up to 0 for a row itself and its equals, and to more where it is beaten.
 */
const FRONT_STEPS: readonly Step[] = [
  only([OWN], ordered([], ["Time", "model", "precision", "pruning"])),
  only([OTHER], ordered([], ["Time", "model", "precision", "pruning"])),
  only([OWN], where({ column: FRONT, is: "isNotNull" })),
  only([OTHER], where({ column: OTHER_ACCURACY, is: "isNotNull" })),
  // Where a join makes no pairs (before Grafana 11.1), the dearest row meets the cheapest alone, and no front is drawn instead of a wrong one.
  only([OWN], sortedBy(ENERGY)),
  only([OTHER], sortedBy(OTHER_ENERGY, true)),
  only([OWN, OTHER], joinedBy("device", "inner")),
  ...[
    computed(SAVED, ENERGY, "-", OTHER_ENERGY),
    computed(GAINED, OTHER_ACCURACY, "-", FRONT),
    where({ column: SAVED, is: "greaterOrEqual", value: 0 }, { column: GAINED, is: "greaterOrEqual", value: 0 }),
    computed(BEATEN, SAVED, "+", GAINED),
    groupedBy(["device", "run"], { [FRONT]: "max", [BEATEN]: "max" }),
    where({ column: `${BEATEN} (max)`, is: "lowerOrEqual", value: 0 }),
    ordered([], [`${BEATEN} (max)`]),
    splitBy(["device"]),
  ].map(beyondAxes),
];

/** The front of each device, after the join has put the name of its frame behind that of the aggregate. */
const FRONT_NAME = renamed(String.raw`/^${FRONT} \(max\) (.*)$/`, `${FRONT}·$1`);

const FRONT_LINE: DynamicConfigValue[] = [
  { id: "custom.show", value: XYShowMode.Lines },
  { id: "custom.lineStyle", value: { fill: "dash", dash: [6, 6] } },
  { id: "color", value: { mode: "fixed", fixedColor: "text" } },
];

/** Accuracy against energy, and the front as a line through rows that are worth their energy. */
export function frontFigure(frame: Frame, rows: readonly string[]): Builder<Panel> {
  const own = newestOf({ field: ENERGY }, [{ field: ACCURACY, as: FRONT }, { field: "run" }], rows);
  const other = newestOf({ field: ENERGY, as: OTHER_ENERGY }, [{ field: ACCURACY, as: OTHER_ACCURACY }], rows);
  return figure(frame, { x: ENERGY, y: ACCURACY, power: true }, rows, {
    more: {
      targets: [InfluxQuery.table(OWN, own), InfluxQuery.table(OTHER, other)],
      steps: FRONT_STEPS,
      names: FRONT_NAME,
    },
    look: [`/^${FRONT}/`, FRONT_LINE],
  });
}
