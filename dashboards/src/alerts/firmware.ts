import { MEASUREMENTS } from "@edgewatt/protocol";
import { NOW, SINCE_BOOT_SHIFT, UNDERVOLTAGE } from "../model/throttling.ts";
import { influxql } from "../queries/influxql.ts";
import { THROTTLING_PANEL } from "./panels.ts";
import { newestIs, type Alert } from "./rule.ts";
import { label } from "./words.ts";

const { system } = MEASUREMENTS;

/** What was reported within so long is taken for now. */
const NOW_S = 120;

/** A capped clock, throttling, or the soft temperature limit. */
const SLOWED = NOW & ~UNDERVOLTAGE;

function anyOf(bits: number, call: "last" | "max"): string {
  const inner = {
    from: system,
    select: [{ left: { field: "throttled" }, operator: "&", right: bits, as: "bits" }],
    groupBy: ["device"],
  } as const;
  return influxql({ from: inner, select: [{ field: "bits", call }], groupBy: ["device"] });
}

/** What the firmware of a Raspberry Pi says of its supply and of its speed; other machines have no such word and raise nothing. */
export function firmware(): Alert[] {
  return [
    {
      uid: "edgewatt-under-voltage",
      title: "Under-voltage",
      ...newestIs("gt", 0, NOW_S, anyOf(UNDERVOLTAGE, "max")),
      severity: "critical",
      summary: `${label("device")}: the supply falls below 4.63 V`,
      description:
        "The firmware has reported under-voltage in the last two minutes. Use the official supply and a short, thick cable, and unplug what draws power from USB; until then figures of this device are not to be trusted.",
      panel: THROTTLING_PANEL,
    },
    {
      uid: "edgewatt-throttled",
      title: "Throttled",
      ...newestIs("gt", 0, NOW_S, anyOf(SLOWED, "max")),
      severity: "warning",
      summary: `${label("device")}: the firmware slows the processor down`,
      description:
        "In the last two minutes the clock was capped, the processor throttled, or its soft temperature limit reached. Cool it (fan, heat sink, free air) and see whether the supply is weak; latencies measured meanwhile are too long.",
      panel: THROTTLING_PANEL,
    },
    {
      uid: "edgewatt-under-voltage-since-boot",
      title: "Under-voltage since boot",
      ...newestIs("gt", 0, NOW_S, anyOf(UNDERVOLTAGE << SINCE_BOOT_SHIFT, "last")),
      severity: "info",
      summary: `${label("device")}: the supply fell below 4.63 V at some time since the device started`,
      description:
        "The firmware keeps this in mind until the next start, and new under-voltage cannot be told from it. Repair the supply, then reboot the device.",
      panel: THROTTLING_PANEL,
    },
  ];
}
