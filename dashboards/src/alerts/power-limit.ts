import { createHash } from "node:crypto";
import { MEASUREMENTS } from "@edgewatt/protocol";
import { equals, influxql, isNoneOf } from "../queries/influxql.ts";
import { POWER_PANEL } from "./panels.ts";
import { newestIs, type Alert } from "./rule.ts";
import type { AlertSettings } from "./settings.ts";
import { ESTIMATE_MARK, figure, label } from "./words.ts";

const { power } = MEASUREMENTS;

/** The mean over so long is judged, so that a peak raises nothing. */
const MEAN_S = 60;

function limit(parts: Pick<Alert, "uid" | "title">, watts: number, where: readonly string[]): Alert {
  const query = influxql({
    from: power,
    select: [{ field: "watts", call: "mean" }],
    where,
    groupBy: ["device", "channel", "source"],
  });
  return {
    ...parts,
    ...newestIs("gt", watts, MEAN_S, query),
    severity: "critical",
    summary: `${label("device")} takes ${figure("B", 2)} W on channel ${label("channel")} (${label("source")}${ESTIMATE_MARK}), over its limit of ${watts} W`,
    description:
      "Mean power over the last minute. See what runs on the device and what is attached to it; a supply near its limit lets the voltage fall. The limit is --power-limit-w and --power-limits of edgewatt dashboards.",
    panel: POWER_PANEL,
  };
}

/** A uid of Grafana has 40 characters, which a device's name may have alone. */
function shortName(device: string): string {
  return createHash("sha256").update(device).digest("hex").slice(0, 12);
}

/** One rule for all devices without a limit of their own, and one for each of the others. */
export function powerLimits({ powerLimitW, powerLimits: own }: AlertSettings): Alert[] {
  const devices = [...own.keys()];
  const others = devices.length === 0 ? [] : [isNoneOf(power, "device", devices)];
  return [
    limit({ uid: "edgewatt-power-limit", title: "Power over limit" }, powerLimitW, others),
    ...devices.map((device) =>
      limit(
        { uid: `edgewatt-power-limit-${shortName(device)}`, title: `Power over limit of ${device}` },
        own.get(device) ?? powerLimitW,
        [equals(power, "device", device)],
      ),
    ),
  ];
}
