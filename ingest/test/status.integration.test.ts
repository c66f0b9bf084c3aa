import { expect, it } from "vitest";
import { decodeMessage } from "@edgewatt/protocol";
import { connectMqtt, createLogger, systemClock } from "@edgewatt/runtime";
import { eventually, startBroker } from "@edgewatt/testing";
import { IngestStatus } from "../src/status.ts";

it("stays offline although a write that was given up fails later", async () => {
  const broker = await startBroker();
  const log = createLogger({ name: "test", level: "silent" });
  const connection = await connectMqtt({ url: broker.url, clientId: "a", log, waitMs: 45_000 });
  try {
    const status = new IngestStatus("one", systemClock);
    const seen: string[] = [];
    await connection.subscribe(status.topic, ({ payload }) => seen.push(decodeMessage("service", payload).state));
    status.announceOn(connection);
    await status.offline();
    status.holding("no answer within 10000 ms");
    await connection.publish(status.topic, status.will().payload, { qos: 1 });
    await eventually(() => expect(seen).toHaveLength(3));
    expect(seen).toEqual(["holding", "offline", "offline"]);
  } finally {
    await connection.close();
    await broker.stop();
  }
});
