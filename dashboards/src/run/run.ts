import type { Dashboard, DynamicConfigValue } from "@grafana/grafana-foundation-sdk/dashboard";
import type { PanelBuilder as TablePanel } from "@grafana/grafana-foundation-sdk/table";
import { MEASUREMENTS, MODELLED_SOURCES } from "@edgewatt/protocol";
import { runAnnotation } from "../annotations/runs.ts";
import { buildDashboard } from "../model/dashboard.ts";
import { UIDS } from "../model/links.ts";
import type { Frame } from "../model/panel.ts";
import { CHOSEN_POLICY } from "../queries/influxql.ts";
import type { Shown } from "../results/columns.ts";
import { ACCURACY_DIFFERENCE, ENERGY_RATIO, pairsTable, SPEED_UP } from "../results/pairs-table.ts";
import { rowsTable } from "../results/rows-table.ts";
import { chosenRows } from "../results/rows.ts";
import { datasourceVariable, resolutionVariable, runVariable, tagVariable } from "../variables/choices.ts";
import { latencyGraph, latencyHistogram, latencyTable } from "./latency.ts";
import { windowPower } from "./power.ts";
import { runRows } from "./rows.ts";

const { runSummary } = MEASUREMENTS;

const ROWS = chosenRows("device", "model", "precision");
/** Rows of both precisions, whichever is chosen. */
const PAIRS = chosenRows("device", "model");
const FLAGGED = `"flags" != ''`;

const PRECISION: Shown = ["precision", "Precision"];
const SOURCE: Shown = ["power_source", "Power source"];

const ESTIMATES = `Power sources ${MODELLED_SOURCES.join(" and ")} are models, no meters: what comes from them is called an estimate`;

const BAR: DynamicConfigValue[] = [
  { id: "custom.cellOptions", value: { type: "gauge", mode: "basic" } },
  { id: "min", value: 0 },
];

/** Idle, mean and largest watts as bars from zero. */
function wattsTable(frame: Frame): TablePanel {
  const watts: readonly Shown[] = [
    ["idle_power_w", "Idle"],
    ["mean_power_w", "Mean"],
    ["max_power_w", "Max"],
  ];
  const table = rowsTable(frame, [PRECISION, ...watts, ["max_power_10ms_w", "Max, 10 ms"], SOURCE], ROWS);
  for (const [name] of watts) table.overrideByName(name, BAR);
  return table;
}

/** What the runs that are chosen measured. */
export function run(): Dashboard {
  return buildDashboard({
    uid: UIDS.run,
    title: "Run",
    description:
      "What a benchmark measured: latency, power in its windows, energy per image, memory, flags. Latency and power as measured are kept for days; rows and means longer (resolution)",
    from: "now-3h",
    refresh: "10s",
    variables: [
      datasourceVariable(),
      tagVariable(runSummary, "device"),
      runVariable(runSummary),
      tagVariable(runSummary, "model"),
      tagVariable(runSummary, "precision"),
      resolutionVariable(),
    ],
    annotations: [runAnnotation(CHOSEN_POLICY)],
    panels: [
      runRows(
        {
          id: 1,
          title: "Rows",
          description: `Newest point of each row of the chosen runs; a row leads to the power of its windows and to the study. ${ESTIMATES}`,
          at: [0, 0, 24, 10],
        },
        ROWS,
      ),
      latencyTable({
        id: 2,
        title: "Latency",
        description: "Percentiles over all inferences in the windows that are in view",
        at: [0, 10, 12, 10],
      }),
      latencyHistogram({
        id: 3,
        title: "Distribution of latency",
        description: "Inferences in view, up to 2,000 of each row, drawn by lot",
        at: [12, 10, 12, 10],
      }),
      latencyGraph({
        id: 4,
        title: "Latency over time",
        description: "Percentiles of the inferences in each interval",
        at: [0, 20, 24, 9],
      }),
      windowPower({
        id: 5,
        title: "Power in the windows",
        description: `Mean power per interval inside the windows of the chosen runs, dashed where it is an estimate; the shaded regions are windows. ${ESTIMATES}`,
        at: [0, 29, 24, 10],
      }),
      rowsTable(
        {
          id: 6,
          title: "Energy per image",
          description: `Gross is all energy of a window, net what is above idle; ± is the 95 % half-width. ${ESTIMATES}`,
          at: [0, 39, 12, 10],
        },
        [
          PRECISION,
          ["energy_gross_mj", "Gross"],
          ["energy_gross_half_width_mj", "± gross (95 %)"],
          ["energy_net_mj", "Net"],
          ["energy_net_half_width_mj", "± net (95 %)"],
          SOURCE,
        ],
        ROWS,
      ),
      wattsTable({
        id: 7,
        title: "Idle, mean and max power",
        description: `Idle before and after the windows; mean and largest in them. ${ESTIMATES}`,
        at: [12, 39, 12, 10],
      }),
      pairsTable(
        {
          id: 8,
          title: "Latency, fp32 and int8",
          description: "Mean latency per image; speed-up is fp32 ÷ int8",
          at: [0, 49, 8, 9],
        },
        SPEED_UP,
        PAIRS,
      ),
      pairsTable(
        {
          id: 9,
          title: "Energy, fp32 and int8",
          description: `Gross energy per image; only rows of the same power source are compared. ${ESTIMATES}`,
          at: [8, 49, 8, 9],
        },
        ENERGY_RATIO,
        PAIRS,
      ),
      pairsTable(
        {
          id: 10,
          title: "Accuracy, fp32 and int8",
          description: "Top-1 accuracy on the test images; the difference in percentage points",
          at: [16, 49, 8, 9],
        },
        ACCURACY_DIFFERENCE,
        PAIRS,
      ),
      rowsTable(
        {
          id: 11,
          title: "Memory",
          description: "Peak of the process that ran the model, what it held before, and what is the model's own",
          at: [0, 58, 10, 9],
        },
        [
          PRECISION,
          ["file_size_mb", "File size"],
          ["max_memory_mb", "Max memory"],
          ["memory_baseline_mb", "Before the model"],
          ["memory_session_mb", "First session"],
          ["memory_model_mb", "The model"],
        ],
        ROWS,
      ),
      rowsTable(
        {
          id: 12,
          title: "Flagged rows",
          description: "What to know before using a row, in words; empty when nothing is flagged",
          at: [10, 58, 14, 9],
        },
        [PRECISION, ["flags", "Flags"]],
        [...ROWS, FLAGGED],
      ),
    ],
  });
}
