import { findHwmon } from "./hwmon.ts";
import { boardModel, readFact } from "./board.ts";
import { askFirmware } from "./vcgencmd.ts";

/** Bit 0 of the firmware's word: the supply is below 4.63 V. */
const UNDERVOLTAGE = 0b1;
/** How the device tree's model begins on a board with this firmware. */
const PI = "Raspberry Pi";

/** What the firmware says of supply and clock. */
export interface ThrottlingState {
  /**
   * 0 undervoltage, 1 frequency capped, 2 throttled, 3 soft temperature limit, 16 to 19 the same since boot (Raspberry Pi documentation,
   * `vcgencmd get_throttled`); `null` where nobody tells them.
   */
  readonly bits: number | null;
  /** Why they, or all but bit 0, are not known on a board that has them. */
  readonly unread?: string;
}

/** Asks the firmware itself, so it starts a process: before and after a measured window, never inside. */
export function readThrottled(root: string): ThrottlingState {
  const answer = askFirmware("get_throttled");
  const asked = answer.ok ? parseBits(/^throttled=(0x[0-9a-f]+)$/i.exec(answer.text)?.[1]) : null;
  const bits = asked ?? readKernelsWord(root);
  if (bits !== null || !boardModel(root).startsWith(PI)) return { bits: withAlarm(bits, root) };
  const unread = answer.ok ? `vcgencmd answered "${answer.text}"` : answer.reason;
  return { bits: withAlarm(null, root), unread };
}

/**
 * The same from `/sys` alone, which costs nothing and may be late: `get_throttled` is deprecated and holds what the kernel saw
 * last.
 */
export function readCachedThrottled(root: string): number | null {
  return withAlarm(readKernelsWord(root), root);
}

function readKernelsWord(root: string): number | null {
  return parseBits(readFact(`${root}/sys/devices/platform/soc/soc:firmware/get_throttled`));
}

function parseBits(text: string | undefined): number | null {
  const bits = text === undefined ? Number.NaN : Number.parseInt(text, 16);
  return Number.isNaN(bits) ? null : bits;
}

/** The kernel's `rpi_volt` asks the firmware every 2 s whether the voltage was too low since (raspberrypi-hwmon.c). */
function withAlarm(bits: number | null, root: string): number | null {
  const chip = findHwmon(root, (name) => name === "rpi_volt");
  const alarm = chip === undefined ? undefined : readFact(`${chip.path}/in0_lcrit_alarm`);
  if (alarm === undefined || alarm === "") return bits;
  return (bits ?? 0) | (alarm === "1" ? UNDERVOLTAGE : 0);
}
