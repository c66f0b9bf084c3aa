import type { MeasuredWindow } from "../window-figures.ts";

/** Bits of the firmware's throttling word (`vcgencmd get_throttled`) for now; sixteen higher, the same since boot. */
const EVENTS = ["undervoltage", "frequency capped", "throttled", "soft temperature limit"] as const;
const UNDERVOLTAGE = 1;
const NOW = 0xf;
const SINCE_BOOT = 0xf_0000;

function describe(bits: number): string {
  return EVENTS.filter((_, bit) => (bits & (1 << bit)) !== 0).join(", ");
}

/** Events of the firmware inside the windows, as far as the words at their edges show them. */
export function firmwareFlags(windows: readonly MeasuredWindow[]): string[] {
  const flags = new Set<string>();
  for (const { machine } of windows) {
    const unread = machine.after.throttlingUnread ?? machine.before.throttlingUnread;
    if (unread !== undefined) {
      flags.add(`throttling-unread: whether the clock was capped or throttled is not known: ${unread}`);
    }
    const before = machine.before.throttled;
    const after = machine.after.throttled ?? before;
    if (after === null) continue;
    // What has happened since boot is new only where it is known not to have happened before.
    const events = ((after | (before ?? 0)) & NOW) | ((after & ~(before ?? SINCE_BOOT) & SINCE_BOOT) >>> 16);
    const word = `the firmware reports 0x${after.toString(16)}`;
    if ((events & UNDERVOLTAGE) !== 0) flags.add(`undervoltage: ${word}: the supply fell below 4.63 V`);
    if ((events & ~UNDERVOLTAGE) !== 0) flags.add(`throttled: ${word}: ${describe(events & ~UNDERVOLTAGE)}`);
    // What has happened since boot cannot be seen to happen again, unless it still does at an edge.
    const hidden = (((before ?? after) & SINCE_BOOT) >>> 16) & ~events;
    if (hidden !== 0) {
      flags.add(`throttling-unknown: ${describe(hidden)} before the window already, so not seen inside it; reboot`);
    }
  }
  return [...flags];
}
