import { isModelled, MEASUREMENTS, POWER_SOURCES, type PowerSource } from "@edgewatt/protocol";
import { equals, fieldOf, influxql } from "../queries/influxql.ts";
import { RESULTS_PANEL } from "./panels.ts";
import { asked, compared, computed, lastOf, type Alert } from "./rule.ts";
import type { AlertSettings } from "./settings.ts";
import { figure, label } from "./words.ts";

const { runSummary } = MEASUREMENTS;

/** Longer than raw points are usually kept, so that the database decides how far back a run is remembered. */
const REMEMBERED_S = 90 * 86_400;

/** Flags (docs/measuring.md) of rows whose energy says little about the model: such a row neither raises an alert nor is one compared with it. */
export const DISQUALIFYING_FLAGS = [
  "consistency",
  "energy-cross-check",
  "estimate",
  "few-windows",
  "foreign-cpu",
  "frequency-below-pinned",
  "meter-fault",
  "not-steady",
  "power-missing",
  "quick",
  "samples-missing",
  "short-window",
  "swap",
  "throttled",
  "undervoltage",
] as const;

/** Flags are one text, `code: detail; code: detail`. */
function isGood(): string {
  return `"${fieldOf(runSummary, "flags").name}" !~ /(^|; )(${DISQUALIFYING_FLAGS.join("|")}):/`;
}

function regression(meter: PowerSource, percent: number): Alert {
  const good = (over?: "difference") =>
    influxql({
      from: runSummary,
      select: [{ field: "energy_gross_mj", ...(over === undefined ? {} : { over }) }],
      where: [equals(runSummary, "power_source", meter), isGood()],
      groupBy: ["device", "model", "precision", "pruning"],
    });
  return {
    uid: `edgewatt-energy-${meter}`,
    title: `Energy per image worse (${meter})`,
    steps: [
      asked("A", REMEMBERED_S, good()),
      lastOf("B", "A"),
      asked("C", REMEMBERED_S, good("difference")),
      lastOf("D", "C"),
      // D is the newest minus the one before, so B − D is the one before. A first run has no D, and is dropped.
      computed("E", "$D / ($B - $D) * 100"),
      compared("F", "E", "gt", percent),
    ],
    condition: "F",
    severity: "warning",
    summary: `${label("device")}: ${label("model")} ${label("precision")} takes ${figure("B", 2)} mJ per image, ${figure("E", 1)} % more than in its last good run (${meter})`,
    description: `Gross energy by ${meter}, newest run against the one before of the same device, model, precision and pruning; runs whose flags disqualify them are left out. See what changed: model, threads, governor, attached devices; then measure again. The limit is --energy-worse-pct of edgewatt dashboards.`,
    panel: RESULTS_PANEL,
  };
}

/** A rule for each kind of meter, since figures of two of them do not compare; a model of power is none, so an estimate raises nothing. */
export function energyRegressions({ energyWorsePct }: AlertSettings): Alert[] {
  return POWER_SOURCES.filter((source) => !isModelled(source)).map((meter) => regression(meter, energyWorsePct));
}
