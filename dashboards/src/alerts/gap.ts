import { MEASUREMENTS } from "@edgewatt/protocol";
import { influxql } from "../queries/influxql.ts";
import { GAPS_PANEL } from "./panels.ts";
import { newestIs, type Alert } from "./rule.ts";
import { figure, label } from "./words.ts";

const { gap } = MEASUREMENTS;

/** A gap bears the time of the loss, and the agent may tell of it only once an outage is over. */
const LOOKED_AT_S = 6 * 3600;

/** Points that a device had to give up. */
export function gaps(): Alert {
  const query = influxql({ from: gap, select: [{ field: "lost", call: "sum" }], groupBy: ["device", "stream"] });
  return {
    uid: "edgewatt-gap",
    title: "Points lost",
    ...newestIs("gt", 0, LOOKED_AT_S, query),
    severity: "warning",
    summary: `${label("device")} dropped ${figure("B", 0)} points of stream ${label("stream")} for lack of room, or its disk did not give them back`,
    description:
      "Within the last six hours. Graphs and integrals have a hole there. See why telemetry waited (broker, ingest, database), and give the agent more room with --spool-mb.",
    panel: GAPS_PANEL,
  };
}
