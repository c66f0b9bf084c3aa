import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { MEASUREMENTS, MODELLED_SOURCES } from "@edgewatt/protocol";
import { buildDashboard } from "../model/dashboard.ts";
import { around, dataLink, UIDS } from "../model/links.ts";
import { GRAFANA_UNIT } from "../model/units.ts";
import { MORE_COLUMNS, RESULT_COLUMNS } from "../results/columns.ts";
import { ACCURACY_DIFFERENCE, ENERGY_RATIO, pairsTable, SPEED_UP } from "../results/pairs-table.ts";
import { rowsTable, TIME } from "../results/rows-table.ts";
import { chosenRows } from "../results/rows.ts";
import { datasourceVariable, resolutionVariable, runVariable, tagVariable } from "../variables/choices.ts";
import { figure } from "./figure.ts";
import { frontFigure } from "./front.ts";
import { layerBars, layersTable } from "./layers.ts";

const { runSummary } = MEASUREMENTS;

const ROWS = chosenRows("device", "model", "precision", "pruning");
/** Rows of both precisions, whichever is chosen. */
const PAIRS = chosenRows("device", "model", "pruning");

const ESTIMATES = `Power sources ${MODELLED_SOURCES.join(" and ")} are models, no meters: what comes from them is called an estimate`;
const SERIES = "A series per precision and device, over the newest run of each row";

/** Longer than a benchmark of all models takes: the row's point is of its end. */
const AROUND_A_ROW_MS = 4 * 3600 * 1000;

/** The run of a row, in the hours around it, in the resolution that the row was found in: as measured, an older one is gone. */
const RUN_LINK = dataLink("Run", "run", {
  range: around(TIME, AROUND_A_ROW_MS),
  keep: ["resolution"],
  set: { device: "${__data.fields.device}", model: "${__data.fields.model}" },
});

/** What pruning and quantization cost and save. */
export function study(): Dashboard {
  return buildDashboard({
    uid: UIDS.study,
    title: "Study",
    description:
      "The results table, and latency, accuracy and energy against pruning and model size; the newest run of each device, model, precision and pruning, unless a run is chosen",
    from: "now-30d",
    refresh: "30s",
    variables: [
      datasourceVariable(),
      tagVariable(runSummary, "device"),
      runVariable(runSummary),
      tagVariable(runSummary, "model"),
      tagVariable(runSummary, "precision"),
      tagVariable(runSummary, "pruning"),
      resolutionVariable("seconds"),
    ],
    panels: [
      rowsTable(
        {
          id: 1,
          title: "Results",
          description: `Newest run of each row in the time range. MB = 10⁶ bytes; ± is the 95 % half-width; a blank cell has its reason in the flags. ${ESTIMATES}`,
          at: [0, 0, 24, 13],
        },
        [...RESULT_COLUMNS, ...MORE_COLUMNS, [TIME, TIME]],
        ROWS,
      )
        .overrideByName("run", [{ id: "links", value: [RUN_LINK] }])
        .overrideByName(TIME, [{ id: "unit", value: GRAFANA_UNIT["epoch ms"] }]),
      figure(
        {
          id: 2,
          title: "Latency against pruning",
          description: `Mean latency per image. ${SERIES}`,
          at: [0, 13, 12, 10],
        },
        { x: "pruning_fraction", y: "latency_ms", power: false },
        ROWS,
        { lines: true },
      ),
      figure(
        {
          id: 3,
          title: "Accuracy against pruning",
          description: `Top-1 accuracy on the test images. ${SERIES}`,
          at: [12, 13, 12, 10],
        },
        { x: "pruning_fraction", y: "accuracy_pct", power: false },
        ROWS,
        { lines: true },
      ),
      figure(
        {
          id: 4,
          title: "Net energy against pruning",
          description: `Energy above idle per image. ${SERIES} and power source. ${ESTIMATES}`,
          at: [0, 23, 12, 10],
        },
        { x: "pruning_fraction", y: "energy_net_mj", power: true },
        ROWS,
        { lines: true },
      ),
      figure(
        {
          id: 6,
          title: "Gross energy against pruning",
          description: `All energy of the window per image. ${SERIES} and power source. ${ESTIMATES}`,
          at: [12, 23, 12, 10],
        },
        { x: "pruning_fraction", y: "energy_gross_mj", power: true },
        ROWS,
        { lines: true },
      ),
      figure(
        {
          id: 5,
          title: "Accuracy against #params",
          description: `Top-1 accuracy and the size of the float model. ${SERIES}`,
          at: [0, 33, 12, 11],
        },
        { x: "params", y: "accuracy_pct", power: false },
        ROWS,
      ),
      frontFigure(
        {
          id: 7,
          title: "Accuracy against energy",
          description: `Better is up and to the left. The dashed line joins the rows of a device that no other of its rows beats in both (Pareto front, Grafana 11.1 or newer); between them it only guides the eye. Gross energy per image. ${ESTIMATES}`,
          at: [12, 33, 12, 11],
        },
        ROWS,
      ),
      pairsTable(
        {
          id: 8,
          title: "Latency, fp32 and int8",
          description: "Mean latency per image; speed-up is fp32 ÷ int8",
          at: [0, 44, 8, 10],
        },
        SPEED_UP,
        PAIRS,
      ),
      pairsTable(
        {
          id: 9,
          title: "Energy, fp32 and int8",
          description: `Gross energy per image; only rows of the same power source are compared. ${ESTIMATES}`,
          at: [8, 44, 8, 10],
        },
        ENERGY_RATIO,
        PAIRS,
      ),
      pairsTable(
        {
          id: 10,
          title: "Accuracy, fp32 and int8",
          description: "Top-1 accuracy on the test images; the difference in percentage points",
          at: [16, 44, 8, 10],
        },
        ACCURACY_DIFFERENCE,
        PAIRS,
      ),
      layerBars(
        {
          id: 11,
          title: "Layers: time, energy and weights",
          description:
            "Each layer's share of the model as int8; energy is apportioned by time, as no meter sees a layer. Choose one device and one model",
          at: [0, 54, 24, 10],
        },
        "time_pct",
        "energy_pct",
        "weights_pct",
      ),
      layerBars(
        {
          id: 12,
          title: "Layers: signal-to-quantization-noise",
          description:
            "With only this layer quantized; a low bar is a layer that quantization hurts. Choose one device and one model",
          at: [0, 64, 12, 10],
        },
        "sqnr_db",
      ),
      layerBars(
        {
          id: 13,
          title: "Layers: accuracy drop",
          description:
            "Percentage points lost with only this layer quantized; blank where no labelled images were given. Choose one device and one model",
          at: [12, 64, 12, 10],
        },
        "accuracy_drop_pt",
      ),
      layersTable({
        id: 14,
        title: "Layers",
        description: "Newest figures of each layer of the chosen models, from edgewatt sensitivity",
        at: [0, 74, 24, 12],
      }),
    ],
  });
}
