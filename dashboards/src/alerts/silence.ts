import { MEASUREMENTS } from "@edgewatt/protocol";
import { equals, influxql } from "../queries/influxql.ts";
import { STATES_PANEL } from "./panels.ts";
import { newestIs, type Alert } from "./rule.ts";
import type { AlertSettings } from "./settings.ts";
import { label } from "./words.ts";

const { pipeline } = MEASUREMENTS;

/** A device that has been silent for longer is taken to be gone. */
const REMEMBERED_S = 6 * 3600;

/**
 * A device that has reported within six hours, and now does not. An agent reports of its telemetry every ten seconds, a tenth as often as of
 * the machine, so that hours of a hundred devices are counted in a moment. Reports are counted in intervals as long as the silence, and the
 * newest of them has only begun: only two without a point in a row are a silence, so it is found after one to two times its length.
 */
export function silence({ silentAfterS }: AlertSettings): Alert {
  const query = influxql({
    from: pipeline,
    select: [{ field: "spool_batches", call: "count", over: "moving_average" }],
    where: [equals(pipeline, "service", "agent")],
    groupBy: ["device"],
    perInterval: `${silentAfterS}s`,
    fill: 0,
  });
  return {
    uid: "edgewatt-silent",
    title: "Device silent",
    // Less than one point in two intervals.
    ...newestIs("lt", 0.5, REMEMBERED_S, query),
    severity: "critical",
    summary: `${label("device")} has sent nothing for more than ${silentAfterS} s`,
    description:
      "See whether the device is on and reaches the broker: edgewatt devices, edgewatt doctor. When all devices are silent, it is the broker, the ingest or the database. A device that was taken away is forgotten after six hours.",
    panel: STATES_PANEL,
    whenEmpty: "NoData",
  };
}
