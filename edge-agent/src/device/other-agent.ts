import {
  decodeMessage,
  newestStatus,
  presenceOf,
  STALE_AFTER_MS,
  topicFilter,
  type DeviceStatus,
} from "@edgewatt/protocol";
import { connectMqtt, systemClock, type ConnectOptions } from "@edgewatt/runtime";

const POLL_MS = 500;
/** An agent that was thrown off the broker is offline until it connects again. */
const COMES_BACK_MS = 10_000;

/**
 * Resolves when no agent is online under this device id any more: it said goodbye, left its will, or is silent. Looks under another client
 * id, so that it does not throw it off. Rejects when the signal of the connection aborts.
 */
export async function untilDeviceFree(
  device: string,
  connection: ConnectOptions & { readonly signal: AbortSignal },
): Promise<void> {
  const beganMs = Date.now();
  let heardMs = beganMs;
  let status: DeviceStatus | undefined;
  // No device can have this id: theirs have no underscore.
  const mqtt = await connectMqtt({ ...connection, clientId: `_aside-${device}` });
  try {
    for (const kind of ["telemetry", "live"] as const) {
      await mqtt.subscribe(topicFilter(kind, { device, stream: "system" }), () => (heardMs = Date.now()));
    }
    await mqtt.subscribe(topicFilter("status", { device }), ({ payload }) => {
      if (payload.byteLength > 0) status = newestStatus(status, decodeMessage("status", payload));
    });
    for (let goneMs = 0; goneMs < COMES_BACK_MS;) {
      await systemClock.sleep(POLL_MS, connection.signal);
      const nowMs = Date.now();
      // A broker that knows nothing of the device may have been restarted, and hear of it soon.
      const isGone =
        status === undefined ? nowMs - beganMs > STALE_AFTER_MS : presenceOf(status, { heardMs, nowMs }) !== "online";
      goneMs = isGone && mqtt.connected ? goneMs + POLL_MS : 0;
    }
  } finally {
    await mqtt.close();
  }
}
