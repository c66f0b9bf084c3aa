import { decodeMessage, formatTopic } from "@edgewatt/protocol";
import { connectMqtt, type ConnectOptions } from "@edgewatt/runtime";

/** A retained message follows the grant of the subscription; there is no sign when there is none. */
const WAIT_MS = 500;

/** The boot number in the status that the broker keeps of this device; `undefined` when it keeps none. */
export async function retainedBoot(device: string, connection: ConnectOptions): Promise<number | undefined> {
  const mqtt = await connectMqtt(connection);
  try {
    return await new Promise<number | undefined>((resolve, reject) => {
      // One that cannot be read throws here, is logged by the connection, and counts as none.
      const found = ({ payload }: { payload: Uint8Array }) => resolve(decodeMessage("status", payload).boot);
      mqtt
        .subscribe(formatTopic({ kind: "status", device }), found)
        .then(() => setTimeout(() => resolve(undefined), WAIT_MS), reject);
    });
  } finally {
    await mqtt.close();
  }
}
