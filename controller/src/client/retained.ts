import {
  decodeMessage,
  DecodeError,
  type MessageOf,
  parseTopic,
  type Topic,
  type TopicKind,
  topicFilter,
} from "@edgewatt/protocol";
import { type MqttConnection, systemClock } from "@edgewatt/runtime";

type TopicOf<K extends TopicKind> = Extract<Topic, { kind: K }>;
type Found<K extends TopicKind> = { readonly topic: TopicOf<K>; readonly message: MessageOf<K> };

/** A broker sends retained messages right behind its SUBACK; MQTT 3.1.1 has no mark after the last one. */
const POLL_MS = 20;
/** In turns of the event loop, not in time: a process that was held up has not yet looked at what came meanwhile. */
const QUIET_POLLS = 15;
const MOST_POLLS = 150;

/** The readable message behind a topic of a kind; another version's or a broken one is left out. */
export function readMessage<K extends TopicKind>(
  kind: K,
  topicName: string,
  payload: Uint8Array,
): Found<K> | undefined {
  const topic = parseTopic(topicName);
  if (topic?.kind !== kind || payload.byteLength === 0) return undefined;
  try {
    return { topic: topic as TopicOf<K>, message: decodeMessage(kind, payload) };
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

/** All retained messages of some kinds, collected until the broker has sent none for a moment. */
export async function collectRetained<K extends TopicKind>(
  connection: MqttConnection,
  kinds: readonly K[],
  parts: Parameters<typeof topicFilter>[1] = {},
): Promise<{ [P in K]: Found<P>[] }> {
  const found = Object.fromEntries(kinds.map((kind) => [kind, []])) as unknown as { [P in K]: Found<P>[] };
  let quietPolls = 0;
  const subscriptions = await Promise.all(
    kinds.map((kind) =>
      connection.subscribe(topicFilter(kind, parts), (message) => {
        if (!message.retain) return;
        quietPolls = 0;
        const read = readMessage(kind, message.topic, message.payload);
        if (read !== undefined) found[kind].push(read);
      }),
    ),
  );
  for (let poll = 0; poll < MOST_POLLS && quietPolls < QUIET_POLLS; poll++) {
    await systemClock.sleep(POLL_MS);
    quietPolls += 1;
  }
  await Promise.all(subscriptions.map((subscription) => subscription.unsubscribe()));
  return found;
}
