import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { MEASUREMENTS } from "@edgewatt/protocol";
import { runAnnotation } from "../annotations/runs.ts";
import { buildDashboard } from "../model/dashboard.ts";
import { UIDS } from "../model/links.ts";
import { FLEET_VALUES } from "../model/panel.ts";
import { SILENT_AFTER } from "../model/silence.ts";
import { THROTTLING_TOLD } from "../model/throttling.ts";
import { JOULE } from "../model/units.ts";
import { datasourceVariable, tagVariable } from "../variables/choices.ts";
import { systemGraph, throttlingTimeline } from "../machine/machine-panels.ts";
import { powerFigure, powerGraph, WATT } from "./power-panels.ts";

/** The period in which agents tell of their machine. */
const SYSTEM_EVERY = "1s";
/** A value a second over the range that the dashboard opens with. */
const POWER_VALUES = 150;

/** Watts of the fleet as they are measured. */
export function livePower(): Dashboard {
  return buildDashboard({
    uid: UIDS.livePower,
    title: "Live power",
    description:
      "Electrical power of each device and channel as it is measured, with the windows of runs; estimates are named as such",
    from: "now-2m",
    refresh: "1s",
    variables: [datasourceVariable(), tagVariable(MEASUREMENTS.power, "device")],
    annotations: [runAnnotation()],
    panels: [
      powerFigure(
        {
          id: 1,
          title: "Now",
          description:
            "Newest mean over a tenth of a second, per channel. One that has told nothing in the last 30 s of the time range is left out, as happens in a strict measurement too",
          at: [0, 0, 6, 5],
        },
        { field: "watts", call: "last" },
        WATT,
        { lately: SILENT_AFTER },
      ),
      powerFigure(
        { id: 2, title: "Mean in view", description: "Mean power over the time range", at: [6, 0, 6, 5] },
        { field: "watts", call: "mean" },
        WATT,
      ),
      powerFigure(
        { id: 3, title: "Peak in view", description: "Largest raw sample in the time range", at: [12, 0, 6, 5] },
        { field: "watts_max", call: "max" },
        WATT,
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
        description:
          "Mean power per interval as a line, dashed where it is an estimate, and the largest raw sample as points; the shaded regions are windows of runs. A shorter time range shows finer steps",
        at: [0, 5, 24, 12],
        values: POWER_VALUES,
      }),
      systemGraph(
        {
          id: 6,
          title: "Temperature",
          description: "Temperature of the processor",
          at: [0, 17, 8, 8],
          every: SYSTEM_EVERY,
          values: FLEET_VALUES,
        },
        "temp_c",
      ),
      systemGraph(
        {
          id: 7,
          title: "CPU",
          description: "CPU use over all cores",
          at: [8, 17, 8, 8],
          every: SYSTEM_EVERY,
          values: FLEET_VALUES,
        },
        "cpu_pct",
      ),
      throttlingTimeline({
        id: 8,
        title: "Throttling",
        description: THROTTLING_TOLD,
        at: [16, 17, 8, 8],
        every: SYSTEM_EVERY,
        values: FLEET_VALUES,
      }),
    ],
  });
}
