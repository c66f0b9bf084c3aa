import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { MEASUREMENTS } from "@edgewatt/protocol";
import { buildDashboard } from "../model/dashboard.ts";
import { UIDS } from "../model/links.ts";
import { FLEET_VALUES, type Frame } from "../model/panel.ts";
import { datasourceVariable, resolutionVariable, tagVariable } from "../variables/choices.ts";
import { levelGraph, lossGraph, rateGraph } from "./pipeline-graphs.ts";
import { reportTable } from "./report-table.ts";

const TABLE_HEIGHT = 10;
const WIDTH = 12;
const HEIGHT = 8;

/** A graph in the left or right half of a row below the table. */
function place(id: number, row: number, half: 0 | 1, title: string, description: string): Frame {
  const at = [half * WIDTH, TABLE_HEIGHT + row * HEIGHT, WIDTH, HEIGHT] as const;
  // Reports come every ten seconds, their means every minute: a shorter interval would have all of a minute's counts, or none.
  return { id, title, description, at, every: "1m", values: FLEET_VALUES };
}

/** Whether telemetry finds its way into the database, and what does not. */
export function pipelineHealth(): Dashboard {
  return buildDashboard({
    uid: UIDS.pipelineHealth,
    title: "Pipeline health",
    description:
      "The way of telemetry from agents through ingest into the database: rates, acknowledgements, what waits, what is lost",
    from: "now-1h",
    refresh: "10s",
    variables: [datasourceVariable(), resolutionVariable(), tagVariable(MEASUREMENTS.pipeline, "device")],
    panels: [
      reportTable({
        id: 1,
        title: "Newest reports",
        description:
          "What each service and each agent has told last, of the ten seconds before; a cell is empty where it does not count such a thing",
        at: [0, 0, 24, TABLE_HEIGHT],
      }),
      rateGraph(
        place(2, 0, 0, "Points stored", "Points that ingest has written to the database, per second"),
        "ingest",
        "points",
      ),
      rateGraph(
        place(3, 0, 1, "Points taken", "Points that each agent has handed to its spool, per second"),
        "agent",
        "points",
      ),
      rateGraph(
        place(4, 1, 0, "Acknowledgements sent", "Acknowledgements of ingest per second, each for many batches"),
        "ingest",
        "acks",
      ),
      rateGraph(
        place(5, 1, 1, "Batches acknowledged", "Batches of each agent that became durable, per second"),
        "agent",
        "acks",
      ),
      levelGraph(
        place(6, 2, 0, "Batches in ingest's memory", "Batches that are not durable yet, the most in each interval"),
        "ingest",
        "queue",
      ),
      levelGraph(
        place(7, 2, 1, "Spool depth", "Batches that wait on each agent's disk, the most in each interval"),
        "agent",
        "spool_batches",
      ),
      lossGraph(
        place(
          8,
          3,
          0,
          "Dead letters",
          "Points that the database refused, and batches that cannot be read; they are kept in files",
        ),
        "ingest",
        "dead_letters",
      ),
      levelGraph(
        place(9, 3, 1, "Spool age", "Age of the oldest batch that waits on each agent, the highest in each interval"),
        "agent",
        "spool_age_s",
      ),
      levelGraph(
        place(
          10,
          4,
          0,
          "Batches in the agents' memory",
          "Batches that wait for a synchronized clock, the most in each interval",
        ),
        "agent",
        "queue",
      ),
      lossGraph(
        place(11, 4, 1, "Points dropped", "Points that an agent has given up for lack of room"),
        "agent",
        "dropped",
      ),
    ],
  });
}
