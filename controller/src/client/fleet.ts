import { type DeviceInfo, type DeviceStatus, parseTopic, topicFilter } from "@edgewatt/protocol";
import { type MqttConnection, systemClock, UnreachableError } from "@edgewatt/runtime";
import { collectRetained } from "./retained.ts";

/** `stale`: says that it is online, but has sent no telemetry for half a minute and has not announced a silence. */
type Presence = "online" | "offline" | "stale";

export interface Device {
  readonly id: string;
  readonly presence: Presence;
  readonly status: DeviceStatus;
  /** Missing when the device has never announced itself. */
  readonly info: DeviceInfo | undefined;
}

export interface Fleet {
  readonly devices: readonly Device[];
  /** Where the hub serves HTTP, as it announced it. */
  readonly hubUrl: string | undefined;
}

const STALE_AFTER_MS = 30_000;
const POLL_MS = 50;

/** Devices and hub, from what they left at the broker. */
export async function readFleet(connection: MqttConnection): Promise<Fleet> {
  const { status, info, service } = await collectRetained(connection, ["status", "info", "service"]);
  const infos = new Map(info.map(({ topic, message }) => [topic.device, message]));
  const devices = status
    .map(({ topic, message }): Device => ({
      id: topic.device,
      presence: message.state,
      status: message,
      info: infos.get(topic.device),
    }))
    .sort((a, b) => a.id.localeCompare(b.id));
  const hub = service.find(
    ({ topic, message }) => topic.name === "hub" && message.state === "online" && message.url !== undefined,
  );
  return { devices, hubUrl: hub?.message.url };
}

/**
 * Marks devices as stale that say they are online and are silent. Telemetry flows all the time, so this takes about a
 * second, and half a minute only where a device really is silent.
 */
export async function checkPresence(connection: MqttConnection, fleet: Fleet, signal: AbortSignal): Promise<Fleet> {
  const isSilent = ({ status }: Device): boolean =>
    status.state === "online" && (status.measuringUntil ?? 0) < Date.now();
  const silent = new Set(fleet.devices.filter(isSilent).map((device) => device.id));
  const heard = ({ topic }: { topic: string }): void => {
    const parsed = parseTopic(topic);
    if (parsed !== undefined && "device" in parsed) silent.delete(parsed.device);
  };
  const subscriptions = await Promise.all([
    connection.subscribe(topicFilter("telemetry"), heard),
    connection.subscribe(topicFilter("live"), heard, { qos: 0 }),
  ]);
  const deadlineMs = performance.now() + STALE_AFTER_MS;
  while (silent.size > 0 && performance.now() < deadlineMs) await systemClock.sleep(POLL_MS, signal);
  await Promise.all(subscriptions.map((subscription) => subscription.unsubscribe()));
  return {
    ...fleet,
    devices: fleet.devices.map((device) => (silent.has(device.id) ? { ...device, presence: "stale" } : device)),
  };
}

function namesOf(devices: readonly Device[]): string {
  return devices.length === 0 ? "none" : devices.map(({ id, presence }) => `${id} (${presence})`).join(", ");
}

/** @throws {UnreachableError} that lists the known devices */
export function findDevice(fleet: Fleet, id: string): Device {
  const device = fleet.devices.find((known) => known.id === id);
  if (device !== undefined) return device;
  throw new UnreachableError(
    `no device ${id} at this broker: known are ${namesOf(fleet.devices)}; start its agent with \`edgewatt agent --broker URL --device ${id}\``,
    { code: "unknown-device", context: { device: id } },
  );
}

/** The named devices, all of which must be online; without names the only one that is. @throws {UnreachableError} */
export function chooseDevices(fleet: Fleet, names: readonly string[] | undefined): readonly Device[] {
  if (names !== undefined) return names.map((id) => requireOnline(findDevice(fleet, id)));
  const online = fleet.devices.filter(({ presence }) => presence === "online");
  if (online.length === 1) return online;
  const why =
    online.length === 0
      ? `no device is online at this broker: start an agent with \`edgewatt agent --broker URL --device ID\``
      : "several devices are online: choose with --on";
  throw new UnreachableError(`${why}; known are ${namesOf(fleet.devices)}`, { code: "no-device" });
}

function requireOnline(device: Device): Device {
  if (device.presence !== "offline") return device;
  throw new UnreachableError(
    `device ${device.id} is offline (${device.status.cause ?? "no reason given"}): start its agent and try again`,
    {
      code: "device-offline",
      retryable: true,
      context: { device: device.id },
    },
  );
}
