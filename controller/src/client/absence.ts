import { type DeviceStatus, isOlderConnection, newestStatus, presenceOf, topicFilter } from "@edgewatt/protocol";
import type { MqttConnection } from "@edgewatt/runtime";
import { readMessage } from "./retained.ts";

/** How long a device has been out of reach: offline or silent, or behind a broker that is away. */
export interface Absence {
  /** In ms, 0 while it is there. Counted from when it was first asked for and found missing. */
  ms(): number;
  stop(): Promise<void>;
}

/** @param onOffline hears why, when the device goes while we watch */
export async function watchAbsence(
  connection: MqttConnection,
  device: string,
  onOffline: (cause: string) => void,
): Promise<Absence> {
  let status: DeviceStatus | undefined;
  let heardMs = Date.now();
  let sinceMs: number | undefined;
  const hear = (): void => void (heardMs = Date.now());
  const subscriptions = await Promise.all([
    connection.subscribe(topicFilter("status", { device }), ({ topic, payload, retain }) => {
      const next = readMessage("status", topic, payload)?.message;
      if (next === undefined) return;
      const isLate = status !== undefined && isOlderConnection(next, status);
      status = newestStatus(status, next);
      // It may be gone again before anybody asks.
      if (status.state === "online") sinceMs = undefined;
      if (next.state === "offline" && !retain && !isLate) onOffline(next.cause ?? "no reason given");
    }),
    connection.subscribe(topicFilter("telemetry", { device, stream: "system" }), hear),
    connection.subscribe(topicFilter("live", { device, stream: "system" }), hear, { qos: 0 }),
  ]);
  return {
    ms() {
      const isThere = connection.connected && presenceOf(status, { heardMs, nowMs: Date.now() }) === "online";
      if (isThere) sinceMs = undefined;
      else sinceMs ??= performance.now();
      return sinceMs === undefined ? 0 : performance.now() - sinceMs;
    },
    async stop() {
      await Promise.all(subscriptions.map((subscription) => subscription.unsubscribe()));
    },
  };
}
