import { decodeMessage, formatTopic } from "@edgewatt/protocol";
import { connectMqtt, systemClock, type ConnectOptions } from "@edgewatt/runtime";

/**
 * A retained message follows the grant of the subscription; there is no sign when there is none. In turns of the event loop,
 * not in time: a process that was held up has not yet looked at what came meanwhile.
 */
const POLLS = 25;
const POLL_MS = 20;

/** The boot number in the status that the broker keeps of this device; `undefined` when it keeps none. */
export async function retainedBoot(device: string, connection: ConnectOptions): Promise<number | undefined> {
  const mqtt = await connectMqtt(connection);
  try {
    const found: number[] = [];
    await mqtt.subscribe(formatTopic({ kind: "status", device }), ({ payload }) => {
      // One that cannot be read throws here, is logged by the connection, and counts as none.
      found.push(decodeMessage("status", payload).boot);
    });
    for (let poll = 0; poll < POLLS && found.length === 0; poll++) await systemClock.sleep(POLL_MS);
    return found[0];
  } finally {
    await mqtt.close();
  }
}
