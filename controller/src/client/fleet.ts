import {
  type DeviceInfo,
  type DeviceStatus,
  newestStatus,
  parseTopic,
  type Presence,
  presenceOf,
  STALE_AFTER_MS,
  topicFilter,
} from "@edgewatt/protocol";
import { type MqttConnection, systemClock, UnreachableError } from "@edgewatt/runtime";
import { collectRetained, readMessage } from "./retained.ts";

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
  const statuses = new Map(fleet.devices.map(({ id, status }) => [id, status]));
  const listeningMs = Date.now();
  const heard = new Map<string, number>();
  const presence = (id: string, nowMs: number): Presence =>
    presenceOf(statuses.get(id), { heardMs: heard.get(id) ?? listeningMs, nowMs });
  /** Nothing was heard that tells whether it is there: it may turn out to be stale. */
  const isOpen = (id: string): boolean =>
    !heard.has(id) &&
    presence(id, Date.now()) === "online" &&
    presence(id, listeningMs + STALE_AFTER_MS + POLL_MS) === "stale";
  const hear = ({ topic }: { topic: string }): void => {
    const parsed = parseTopic(topic);
    if (parsed !== undefined && "device" in parsed) heard.set(parsed.device, Date.now());
  };
  const subscriptions = await Promise.all([
    connection.subscribe(topicFilter("telemetry", { stream: "system" }), hear),
    connection.subscribe(topicFilter("live", { stream: "system" }), hear, { qos: 0 }),
    connection.subscribe(topicFilter("status"), ({ topic, payload }) => {
      const read = readMessage("status", topic, payload);
      if (read === undefined) return;
      statuses.set(read.topic.device, newestStatus(statuses.get(read.topic.device), read.message));
    }),
  ]);
  while (fleet.devices.some(({ id }) => isOpen(id))) await systemClock.sleep(POLL_MS, signal);
  const nowMs = Date.now();
  await Promise.all(subscriptions.map((subscription) => subscription.unsubscribe()));
  return {
    ...fleet,
    devices: fleet.devices.map((device) => ({
      ...device,
      status: statuses.get(device.id) ?? device.status,
      presence: presence(device.id, nowMs),
    })),
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
