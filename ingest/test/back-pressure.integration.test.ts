import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { expect, it } from "vitest";
import { connectMqtt, createLogger, systemClock } from "@edgewatt/runtime";
import { eventually, tempDir } from "@edgewatt/testing";
import { DeadLetters } from "../src/dead-letters.ts";
import { Ingest } from "../src/ingest.ts";
import { InfluxSink } from "../src/sinks/influx.ts";
import { IngestStats } from "../src/stats.ts";
import { IngestStatus } from "../src/status.ts";
import { ackKeys, sendPower, sequence } from "./power-batches.ts";
import { brokerUrl, device, undo, watchStatus } from "./processes.ts";

interface Gate {
  readonly url: string;
  /** What it has stored. */
  readonly bodies: string[];
  /** Lets writes wait until it is opened. */
  close(): void;
  open(): void;
  /** Fails the writes that hold this text; none for "". */
  fail(text: string): void;
}

/** A database that answers every write with 204 unless it is told otherwise. */
async function gate(): Promise<Gate> {
  let failing = "";
  let opened = Promise.resolve();
  let open = () => {};
  const bodies: string[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    await opened;
    const body = Buffer.concat(chunks).toString();
    const fails = failing !== "" && body.includes(failing);
    if (!fails) bodies.push(body);
    response.writeHead(fails ? 500 : 204).end();
  };
  const server = createServer((request, response) => void answer(request, response).catch(() => response.destroy()));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  undo.push(async () => {
    open();
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    open: () => open(),
    close: () => {
      opened = new Promise((resolve) => (open = resolve));
    },
    fail: (text) => {
      failing = text;
    },
    bodies,
  };
}

/** An ingest in this process that takes all devices but `pi-2`. */
async function startIngest(url: string, database: Gate, maxQueueSize: number): Promise<Ingest> {
  const dir = await tempDir();
  const log = createLogger({ name: "test", level: "silent" });
  const connection = await connectMqtt({ url, clientId: "ingest", log, waitMs: 45_000 });
  const sink = new InfluxSink({ url: database.url, timeoutMs: 45_000 });
  const deadLetters = new DeadLetters(path.join(dir.path, "dead-letters"), {
    clock: systemClock,
    disk: { reason: undefined },
  });
  const ingest = await Ingest.start({
    id: "one",
    connection,
    sink,
    deadLetters,
    status: new IngestStatus("one", systemClock),
    stats: new IngestStats(),
    owns: (id) => id !== "pi-2",
    log,
    clock: systemClock,
    maxQueueSize,
  });
  undo.push(async () => {
    database.open();
    database.fail("");
    await ingest.stop();
    await connection.close();
    await sink.close();
    await deadLetters.close();
    await dir[Symbol.asyncDispose]();
  });
  return ingest;
}

it("holds when its memory is full, and takes everything once there is room again", async () => {
  const url = await brokerUrl();
  const database = await gate();
  const BATCH_SIZE = 400;
  const ingest = await startIngest(url, database, 10 * BATCH_SIZE);
  const seen = await watchStatus(url);
  await eventually(() => expect(seen.at(-1)).toMatchObject({ state: "online" }));

  database.close();
  const [pi, notOurs] = [await device(url), await device(url, "pi-2")];
  await sendPower(notOurs, 0);
  for (const seq of sequence(30)) await sendPower(pi, seq);
  await eventually(() =>
    expect(seen.at(-1)).toMatchObject({ state: "holding", reason: expect.stringContaining("memory is full") }),
  );
  const held = await eventually(() => {
    const { figures } = ingest;
    expect(figures.queueBatches + figures.turnedAway).toBe(30);
    // Until the next flush none may be under way.
    expect(figures.inFlight).toBeGreaterThan(0);
    return figures;
  });
  expect(held).toMatchObject({ holding: true, batches: 0 });
  expect(held.queueBytes).toBeLessThanOrEqual(10 * BATCH_SIZE);
  expect(held.inFlight).toBeLessThanOrEqual(4);
  expect(pi.acked.size).toBe(0);

  database.open();
  await eventually(() => expect(seen.at(-1)).toMatchObject({ state: "online" }));
  await eventually(async () => {
    for (const seq of sequence(30)) if (!pi.acked.has(`power/1/${seq}`)) await sendPower(pi, seq);
    expect(pi.acked).toEqual(ackKeys(30));
  });
  await eventually(() => expect(ingest.figures).toMatchObject({ queueBatches: 0, queueBytes: 0, inFlight: 0 }));
  const { points, batches, holding, writeTimes, deadLetters: letters } = ingest.figures;
  expect({ holding, letters }).toEqual({ holding: false, letters: 0 });
  expect(batches).toBeGreaterThanOrEqual(30);
  const stored = database.bodies.flatMap((body) => body.trimEnd().split("\n"));
  expect(points).toBe(stored.length);
  expect(writeTimes.count).toBe(database.bodies.length);
  expect(writeTimes.buckets.at(-1)?.count).toBe(writeTimes.count);
  expect(new Set(stored.filter((line) => line.startsWith("power"))).size).toBe(150);
  expect(stored.join()).not.toContain("pi-2");
});

it("holds as long as one write fails, although others go through", async () => {
  const url = await brokerUrl();
  const database = await gate();
  const ingest = await startIngest(url, database, 1e6);
  const seen = await watchStatus(url);
  await eventually(() => expect(seen.at(-1)).toMatchObject({ state: "online" }));
  database.fail("device=pi-3");
  const [pi, sick] = [await device(url), await device(url, "pi-3")];
  await sendPower(sick, 0);
  await eventually(() =>
    expect(seen.at(-1)).toMatchObject({ state: "holding", reason: expect.stringContaining("500") }),
  );
  const before = seen.length;
  for (const seq of sequence(3)) {
    await sendPower(pi, seq);
    await eventually(() => expect(pi.acked).toEqual(ackKeys(seq + 1)));
  }
  expect(seen.slice(before).map(({ state }) => state)).not.toContain("online");
  expect(sick.acked.size).toBe(0);
  database.fail("");
  await eventually(() => expect(sick.acked).toEqual(ackKeys(1)));
  await eventually(() => expect(seen.at(-1)).toMatchObject({ state: "online" }));
  expect(ingest.figures.failedWrites).toBeGreaterThan(0);
});
