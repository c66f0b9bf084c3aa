import { counted, plural } from "@edgewatt/protocol";
import { type MqttConnection, systemClock, UnreachableError } from "@edgewatt/runtime";
import { withConnection } from "../client/broker.ts";
import { watchDrain } from "../client/drain.ts";
import { type Device, findDevice, type Fleet, readFleet } from "../client/fleet.ts";
import { type Context, say } from "../context.ts";
import { childLog } from "./child-log.ts";
import type { StackReady } from "./stack-file.ts";
import { type StackFlags, startStack } from "./stack.ts";

/** A stack of one's own with its one device, which is there. */
export interface PrivateStack {
  readonly ready: StackReady;
  readonly connection: MqttConnection;
  readonly device: Device;
  readonly hubUrl: string | undefined;
}

const DEVICE_WAIT_MS = 20_000;
const DRAIN_WAIT_MS = 30_000;
const POLL_MS = 100;

/** Starts a stack on loopback and on free ports, does what `use` does, waits until its telemetry is stored, and ends the stack. */
export async function withPrivateStack<T>(
  context: Context,
  flags: StackFlags,
  use: (stack: PrivateStack) => Promise<T>,
): Promise<{ readonly value: T; readonly ready: StackReady }> {
  const stack = await startStack({
    ...flags,
    listen: "127.0.0.1",
    insecure: false,
    mqttPort: 0,
    httpPort: 0,
    // One port that the environment names would be taken by four.
    ...(context.env["EDGEWATT_METRICS_PORT"] ? { metricsPort: 0 } : {}),
    env: context.env,
    cwd: context.cwd,
    signal: context.signal,
    events: childLog(context),
  });
  const { ready } = stack;
  try {
    const value = await withConnection(context, { data: ready.data, broker: ready.mqtt }, async (connection) => {
      const fleet = await onlineFleet(() => readFleet(connection), ready.device, context.signal);
      const drain = await watchDrain(connection, ready.device);
      const used = await use({ ready, connection, device: findDevice(fleet, ready.device), hubUrl: fleet.hubUrl });
      const left = await drain.drained(DRAIN_WAIT_MS, context.signal);
      await drain.stop();
      if (left > 0)
        say(
          context,
          `warning: ${counted(left, "batch", "batches")} of telemetry ${plural(left, "is", "are")} not stored yet; the agent sends ${plural(left, "it", "them")} again when it ends`,
        );
      return used;
    });
    return { value, ready };
  } finally {
    await stack.stop();
  }
}

/** The parts announce themselves a moment after they are ready. */
async function onlineFleet(read: () => Promise<Fleet>, device: string, signal: AbortSignal): Promise<Fleet> {
  const deadlineMs = performance.now() + DEVICE_WAIT_MS;
  for (;;) {
    const fleet = await read();
    const found = fleet.devices.find(({ id }) => id === device);
    if (found?.presence === "online" && found.info !== undefined && fleet.hubUrl !== undefined) return fleet;
    if (performance.now() > deadlineMs) {
      throw new UnreachableError(`the agent ${device} or the hub has not announced itself: run \`edgewatt doctor\``, {
        code: "not-announced",
        context: { device },
      });
    }
    await systemClock.sleep(POLL_MS, signal);
  }
}
