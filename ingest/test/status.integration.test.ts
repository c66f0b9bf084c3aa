import { expect, it } from "vitest";
import { decodeMessage, encodeMessage } from "@edgewatt/protocol";
import { connectMqtt, createLogger, ManualClock, systemClock } from "@edgewatt/runtime";
import { eventually, startBroker } from "@edgewatt/testing";
import { HEARTBEAT_MS, IngestStatus } from "../src/status.ts";

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
    status.hold("store", "no answer within 10000 ms");
    await connection.publish(status.topic, status.will().payload, { qos: 1 });
    await eventually(() => expect(seen).toHaveLength(3));
    expect(seen).toEqual(["holding", "offline", "offline"]);
  } finally {
    await connection.close();
    await broker.stop();
  }
});

it("says again what it is when another has spoken in its name, and every few seconds", async () => {
  const broker = await startBroker();
  const log = createLogger({ name: "test", level: "silent" });
  const connection = await connectMqtt({ url: broker.url, clientId: "a", log, waitMs: 45_000 });
  const clock = new ManualClock();
  const status = new IngestStatus("one", clock);
  try {
    const seen: [string, number][] = [];
    await connection.subscribe(status.topic, ({ payload }) => {
      const said = decodeMessage("service", payload);
      seen.push([said.state, said.epoch]);
      status.contradict(said);
    });
    const { epoch } = status;
    status.announceOn(connection);
    status.clear("start");
    await eventually(() =>
      expect(seen).toEqual([
        ["holding", epoch],
        ["online", epoch],
      ]),
    );
    await clock.advance(HEARTBEAT_MS);
    await eventually(() => expect(seen).toHaveLength(3));
    const say = (state: "offline", of: number) =>
      connection.publish(status.topic, encodeMessage("service", { v: 1, state, ts: 1, epoch: of }), { retain: true });
    for (const of of [epoch - 1, epoch, epoch + 5]) {
      await say("offline", of);
      const expected = ["online", Math.max(epoch, of === epoch + 5 ? epoch + 6 : epoch)];
      await eventually(() => expect(seen.at(-1)).toEqual(expected));
    }
    expect(seen).toHaveLength(9);
  } finally {
    await connection.close();
    await broker.stop();
  }
});

it("holds as long as one of its faults stands, whichever is cleared first", () => {
  const status = new IngestStatus("one", new ManualClock());
  status.hold("memory", "full");
  status.hold("store", "no answer");
  status.clear("start");
  status.clear("memory");
  expect(status.isHolding).toBe(true);
  status.clear("store");
  expect(status.isHolding).toBe(false);
});
