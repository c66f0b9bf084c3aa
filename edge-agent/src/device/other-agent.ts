import {
  decodeMessage,
  newestStatus,
  presenceOf,
  STALE_AFTER_MS,
  topicFilter,
  type DeviceStatus,
} from "@edgewatt/protocol";
import { connectMqtt, systemClock, type ConnectOptions } from "@edgewatt/runtime";

/**
 * Whether an agent is online under this device id, looked at under another client id so that it is not thrown off. Takes as long as an
 * agent may be silent, or until it is known to be offline.
 */
export async function isDeviceTaken(device: string, connection: ConnectOptions): Promise<boolean> {
  // No device can have this id: theirs have no underscore.
  const mqtt = await connectMqtt({ ...connection, clientId: `_aside-${device}` });
  try {
    let status: DeviceStatus | undefined;
    let heardMs = Date.now();
    for (const kind of ["telemetry", "live"] as const) {
      await mqtt.subscribe(topicFilter(kind, { device, stream: "system" }), () => (heardMs = Date.now()));
    }
    await mqtt.subscribe(topicFilter("status", { device }), ({ payload }) => {
      if (payload.byteLength > 0) status = newestStatus(status, decodeMessage("status", payload));
    });
    await systemClock.sleep(STALE_AFTER_MS + 1000, connection.signal);
    return presenceOf(status, { heardMs, nowMs: Date.now() }) === "online";
  } finally {
    await mqtt.close();
  }
}
