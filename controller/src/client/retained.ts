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
const QUIET_MS = 300;
const LIMIT_MS = 3_000;
const POLL_MS = 20;

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
  const startMs = performance.now();
  let lastMs = startMs;
  const subscriptions = await Promise.all(
    kinds.map((kind) =>
      connection.subscribe(topicFilter(kind, parts), (message) => {
        if (!message.retain) return;
        lastMs = performance.now();
        const read = readMessage(kind, message.topic, message.payload);
        if (read !== undefined) found[kind].push(read);
      }),
    ),
  );
  lastMs = Math.max(lastMs, performance.now());
  while (performance.now() - lastMs < QUIET_MS && performance.now() - startMs < LIMIT_MS)
    await systemClock.sleep(POLL_MS);
  await Promise.all(subscriptions.map((subscription) => subscription.unsubscribe()));
  return found;
}
