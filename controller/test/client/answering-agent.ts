import {
  type Command,
  decodeMessage,
  encodeMessage,
  formatTopic,
  type JobState,
  topicFilter,
} from "@edgewatt/protocol";
import { connectMqtt, createLogger } from "@edgewatt/runtime";

const log = createLogger({ name: "test", level: "silent" });

type Answer = Pick<JobState, "state" | "result" | "reason" | "progress">;

/** An agent as the command line sees it: it answers each command with the states that a test wants. */
export async function answering(
  url: string,
  device: string,
  statesFor: (command: Command) => readonly Answer[],
): Promise<{ readonly commands: Command[]; close(): Promise<void> }> {
  const connection = await connectMqtt({ url, clientId: device, log, waitMs: 45_000 });
  const commands: Command[] = [];
  const answer = ({ job, op, rev }: Command, states: Answer): Promise<void> => {
    const topic = formatTopic({ kind: "jobState", device, job });
    const state = { v: 1 as const, job, op, rev, ts: Date.now(), boot: 1, attempt: 1, ...states };
    return connection.publish(topic, encodeMessage("jobState", state), { retain: true });
  };
  await connection.subscribe(topicFilter("command", { device }), ({ payload }) => {
    const command = decodeMessage("command", payload);
    commands.push(command);
    // The connection keeps the order of publishes; a broker that is killed acknowledges none.
    void Promise.allSettled(statesFor(command).map((states) => answer(command, states)));
  });
  return { commands, close: () => connection.close() };
}
