import { decodeMessage, formatTopic, parseTopic, topicFilter, type JobState } from "@edgewatt/protocol";
import { connectMqtt, systemClock, type ConnectOptions, type MqttMessage } from "@edgewatt/runtime";

/**
 * A retained message follows the grant of the subscription; there is no sign when there is none, or no more. In turns of the event
 * loop, not in time: a process that was held up has not yet looked at what came meanwhile.
 */
const QUIET_POLLS = 25;
const POLL_MS = 20;

/** What the broker keeps of a device. */
export interface BrokerMemory {
  /** The boot number in its status; `undefined` when there is none. */
  readonly boot: number | undefined;
  readonly jobs: readonly JobState[];
}

/** Reads what the broker keeps of this device; its jobs only where that is asked for, as they may be many. */
export async function readBrokerMemory(
  device: string,
  { jobs, ...connection }: ConnectOptions & { readonly jobs: boolean },
): Promise<BrokerMemory> {
  const mqtt = await connectMqtt(connection);
  try {
    let boot: number | undefined;
    const states: JobState[] = [];
    let quietPolls = 0;
    // What cannot be read throws here, is logged by the connection, and counts as none.
    const take = ({ topic, payload }: MqttMessage) => {
      quietPolls = 0;
      if (parseTopic(topic)?.kind === "status") boot = decodeMessage("status", payload).boot;
      else states.push(decodeMessage("jobState", payload));
    };
    await mqtt.subscribe(formatTopic({ kind: "status", device }), take);
    if (jobs) await mqtt.subscribe(topicFilter("jobState", { device }), take);
    const isThrough = () => quietPolls >= QUIET_POLLS || (!jobs && boot !== undefined);
    for (; !isThrough(); quietPolls++) await systemClock.sleep(POLL_MS);
    return { boot, jobs: states };
  } finally {
    await mqtt.close();
  }
}
