import { MappingType, type ValueMapping } from "@grafana/grafana-foundation-sdk/dashboard";
import type { Arithmetic } from "../queries/columns.ts";

/**
 * Bits 0 to 3 of the firmware's word for now; sixteen higher, the same since boot (Raspberry Pi documentation,
 * `vcgencmd get_throttled`).
 */
const EVENTS = ["under-voltage", "capped", "throttled", "soft temperature limit"] as const;
export const UNDERVOLTAGE = 0b0001;
const THROTTLED = 0b0100;
export const NOW = 0xf;
export const SINCE_BOOT_SHIFT = 16;

type Word = Extract<Arithmetic["left"], { field: string }>;

/** The events of now in a word, 0 to 15, which {@link THROTTLING} has the names of. */
export function throttledNow(word: Word): Arithmetic {
  return { left: word, operator: "&", right: NOW, as: "now" };
}

/** The events since boot, 0 to 15. */
export function throttledSinceBoot(word: Word): Arithmetic {
  const bits: Arithmetic = { left: word, operator: "&", right: NOW << SINCE_BOOT_SHIFT };
  return { left: bits, operator: "/", right: 1 << SINCE_BOOT_SHIFT, as: "since boot" };
}

function nameOf(events: number): string {
  const names = EVENTS.filter((_, bit) => (events & (1 << bit)) !== 0);
  return names.length === 0 ? "none" : names.join(", ");
}

function colorOf(events: number): string {
  if (events === 0) return "green";
  if ((events & UNDERVOLTAGE) !== 0) return "red";
  return (events & THROTTLED) === 0 ? "yellow" : "orange";
}

/** The name of every combination of events. */
export const THROTTLING: ValueMapping[] = [
  {
    type: MappingType.ValueToText,
    options: Object.fromEntries(
      Array.from({ length: NOW + 1 }, (_, events) => [
        String(events),
        { text: nameOf(events), color: colorOf(events), index: events },
      ]),
    ),
  },
];

/** What a panel of it says of itself. */
export const THROTTLING_TOLD =
  "What the firmware reports, now and since boot: too low a voltage, a capped clock, throttling, the soft temperature limit. Of an interval with several reports the highest is shown; a device that is no Raspberry Pi has no row";
