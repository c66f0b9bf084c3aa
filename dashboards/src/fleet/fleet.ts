import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { MEASUREMENTS } from "@edgewatt/protocol";
import { systemGraph, throttlingTimeline } from "../machine/machine-panels.ts";
import { buildDashboard } from "../model/dashboard.ts";
import { UIDS } from "../model/links.ts";
import { FLEET_VALUES } from "../model/panel.ts";
import { THROTTLING_TOLD } from "../model/throttling.ts";
import { CHOSEN_POLICY } from "../queries/influxql.ts";
import { datasourceVariable, resolutionVariable, tagVariable } from "../variables/choices.ts";
import { deviceTable } from "./device-table.ts";
import { energyGraph, gapGraph } from "./fleet-graphs.ts";
import { stateTimeline } from "./state-timeline.ts";

/** What every device does, and whether it can be relied on. */
export function fleet(): Dashboard {
  return buildDashboard({
    uid: UIDS.fleet,
    title: "Fleet",
    description: "A row per device: what it does, draws and has lost, and whether its clock is synchronized",
    from: "now-1h",
    refresh: "10s",
    variables: [
      datasourceVariable(),
      // Ten values a second of every device for an hour are too many to read at once.
      resolutionVariable("minutes"),
      tagVariable(MEASUREMENTS.deviceState, "device"),
    ],
    panels: [
      deviceTable({
        id: 1,
        title: "Devices",
        description:
          "As of the end of the time range, as measured. Silent: no telemetry for 30 s, as happens in a strict measurement too; its figures stay empty, and its state and job are those it told last. Devices that were heard in the seven days before are listed",
        at: [0, 0, 24, 11],
      }),
      energyGraph({
        id: 2,
        title: "Energy per minute",
        description:
          "Mean power times a minute, of each device and channel; dashed where it is an estimate. Channels may be parts of one another",
        at: [0, 11, 24, 10],
        every: "1m",
        values: FLEET_VALUES,
      }),
      stateTimeline(
        {
          id: 3,
          title: "States",
          description: "What each device did: online, or measuring in a window; empty where no telemetry came",
          at: [0, 21, 12, 11],
          every: "1m",
          values: FLEET_VALUES,
        },
        "state",
      ),
      stateTimeline(
        {
          id: 4,
          title: "Clock",
          description:
            "Whether each device's wall clock was synchronized; the times of points from one that was not may be wrong",
          at: [12, 21, 12, 11],
          every: "1m",
          values: FLEET_VALUES,
        },
        "sync",
      ),
      systemGraph(
        {
          id: 6,
          title: "Temperature",
          description: "Temperature of each device's processor",
          at: [0, 32, 12, 11],
          every: "1m",
          values: FLEET_VALUES,
        },
        "temp_c",
        { policy: CHOSEN_POLICY },
      ),
      throttlingTimeline(
        {
          id: 7,
          title: "Throttling",
          description: THROTTLING_TOLD,
          at: [12, 32, 12, 11],
          every: "1m",
          values: FLEET_VALUES,
        },
        { policy: CHOSEN_POLICY },
      ),
      gapGraph({
        id: 5,
        title: "Points lost",
        description: "Points of each device and stream that were given up before they became durable",
        at: [0, 43, 24, 8],
        every: "1m",
        values: FLEET_VALUES,
      }),
    ],
  });
}
