import type { DeviceStatus } from "./presence.ts";

/** An agent says once a second how the machine does; silent for so long, and not in a measured window, it is stale. */
export const STALE_AFTER_MS = 30_000;

/** `stale`: says that it is online, but nothing has come from it for half a minute that was not announced as a silence. */
export type Presence = "online" | "stale" | "offline";

type Connection = Pick<DeviceStatus, "boot" | "conn">;

/** Whether a status is of an earlier connection of the device than another. */
export function isOlderConnection(status: Connection, than: Connection): boolean {
  return status.boot < than.boot || (status.boot === than.boot && status.conn < than.conn);
}

/** Which of two statuses counts: the will of an earlier connection may come late, and then says nothing about the device. */
export function newestStatus(known: DeviceStatus | undefined, next: DeviceStatus): DeviceStatus {
  return known !== undefined && isOlderConnection(next, known) ? known : next;
}

/**
 * Whether a device is there.
 * @param heardMs when the reader last got its stream `system`, or began to listen; on the reader's clock, like `nowMs`. `live/system`
 *   counts as well as `tele/system`, which an agent holds back until its clock is synchronized
 */
export function presenceOf(
  status: DeviceStatus | undefined,
  { heardMs, nowMs }: { heardMs: number; nowMs: number },
): Presence {
  if (status?.state !== "online") return "offline";
  // What was held back in an announced silence takes a moment to come.
  const silentSinceMs = Math.max(heardMs, status.measuringUntil ?? 0);
  return nowMs - silentSinceMs > STALE_AFTER_MS ? "stale" : "online";
}
