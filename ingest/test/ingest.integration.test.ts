import { once } from "node:events";
import { readFile, readdir } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { eventually, queryInflux, requireSystem, runCommand, startInfluxd, tempDir } from "@edgewatt/testing";
import { ackKeys, sendPower, sequence, T0 } from "./power-batches.ts";
import { brokerUrl, countPower, device, influx, ingest, INGEST_BIN, undo, watchStatus } from "./processes.ts";

const influxd = requireSystem("influxd");
const mosquitto = requireSystem("influxd", "mosquitto");

describe.skipIf(influxd.skip)("ingest between a real broker and a real influxd", () => {
  it.for([
    ["aedes", influxd],
    ["mosquitto", mosquitto],
  ] as const)(
    "stores what is sent over %s once, however often it is sent, and acknowledges it",
    async ([kind, needed], { skip }) => {
      skip(needed.skip, needed.reason);
      const url = await brokerUrl(kind);
      const database = await influx();
      const service = await ingest("--broker", url, "--influx", database.url);
      expect(service.ready).toEqual({ ready: true, influx: database.url, id: expect.stringMatching(/-[0-9a-f]{6}$/) });
      const pi = await device(url);
      for (const seq of [...sequence(20), ...sequence(20), 3]) await sendPower(pi, seq);
      await eventually(() => expect(pi.acked).toEqual(ackKeys(20)));
      expect(await countPower(database.url)).toBe(100);
      const [point] = await queryInflux(database.url, 'SELECT * FROM "power" LIMIT 1', { epoch: "u" });
      expect(point).toEqual({ time: T0, device: "pi-1", channel: "main", source: "estimate", watts: 3 });
    },
  );

  it("acknowledges nothing while the database is down, says that it holds, and loses nothing", async () => {
    const url = await brokerUrl();
    let database = await influx();
    await ingest("--broker", url, "--influx", database.url);
    const status = await watchStatus(url);
    const pi = await device(url);
    await sendPower(pi, 0);
    await eventually(() => expect(pi.acked).toEqual(ackKeys(1)));

    await database.kill();
    for (const seq of sequence(30)) await sendPower(pi, seq);
    await eventually(() =>
      expect(status.at(-1)).toMatchObject({
        state: "holding",
        reason: expect.stringContaining("has not stored a write"),
      }),
    );
    expect(pi.acked).toEqual(ackKeys(1));

    database = await startInfluxd({ dir: database.dir, port: Number(new URL(database.url).port) });
    undo.push(() => database.stop());
    await eventually(() => expect(pi.acked).toEqual(ackKeys(30)));
    expect(await countPower(database.url)).toBe(150);
    await eventually(() => expect(status.at(-1)).toMatchObject({ state: "online" }));
  });

  it("ends in order while the database is down", async () => {
    const url = await brokerUrl();
    const database = await influx();
    await database.kill();
    const service = await ingest("--broker", url, "--influx", database.url);
    const status = await watchStatus(url);
    const pi = await device(url);
    await eventually(() =>
      expect(status.at(-1)).toMatchObject({ state: "holding", reason: expect.stringContaining("ECONNREFUSED") }),
    );
    const oneWriteEach = 5001;
    for (const seq of sequence(8)) {
      await pi.send("power", seq, { main: { t0: T0, dt: sequence(oneWriteEach), w: 1 } });
    }
    expect((await service.stop("SIGTERM")).code).toBe(0);
    await eventually(() => expect(status.at(-1)).toMatchObject({ state: "offline" }));
    expect(pi.acked.size).toBe(0);
  });

  it("sets aside what the database refuses, and acknowledges the rest", async () => {
    const url = await brokerUrl();
    const database = await influx();
    const service = await ingest("--broker", url, "--influx", database.url);
    const pi = await device(url);
    await sendPower(pi, 0);
    await eventually(() => expect(pi.acked.size).toBe(1));
    await sendPower(pi, 1, { colour: "red" });
    await eventually(() => expect(pi.acked.size).toBe(2));
    await queryInflux(database.url, 'DROP MEASUREMENT "power"');
    await fetch(`${database.url}/write?db=edgewatt`, {
      method: "POST",
      body: "power,channel=main volts=5i 1700000000000000000",
    });
    await sendPower(pi, 2, { v: [null, null, 5.1, null, null] });
    await eventually(() => expect(pi.acked).toEqual(ackKeys(3)));
    expect(await countPower(database.url)).toBeGreaterThanOrEqual(4);

    const [file] = await readdir(path.join(service.data, "dead-letters"));
    const letters = await readFile(path.join(service.data, "dead-letters", file ?? ""), "utf8");
    expect(letters).toMatch(
      /^# .*field type conflict.*\npower,channel=main,device=pi-1,source=estimate watts=4,volts=5\.1 \d{19}\n$/,
    );
    expect(service.stderr()).toContain(String.raw`unknown column \"colour\"`);
    await eventually(async () =>
      expect(await queryInflux(database.url, 'SELECT sum("dead_letters") FROM "pipeline"')).toMatchObject([{ sum: 1 }]),
    );
  });

  it("sets aside a batch that it cannot read but name, so that its agent need not send it for ever", async () => {
    const url = await brokerUrl();
    const database = await influx();
    const service = await ingest("--broker", url, "--influx", database.url);
    const pi = await device(url);
    const rows = { main: { t0: T0, dt: [1, 1], w: 1 } };
    const strange = [
      { v: 2, boot: 1, seq: 0, rows: [] },
      { v: 1, boot: 1, seq: 1, sync: true, ch: rows },
      { v: 1, boot: 1, seq: 2, sync: true, ch: {}, x: "x".repeat(70_000) },
    ].map((batch) => JSON.stringify(batch));
    for (const payload of [...strange, ...strange]) await pi.sendRaw("power", payload);
    await eventually(() => expect(pi.acked).toEqual(ackKeys(3)));
    await sendPower(pi, 3);
    await eventually(() => expect(pi.acked).toEqual(ackKeys(4)));

    const [file] = await readdir(path.join(service.data, "dead-letters"));
    const text = await readFile(path.join(service.data, "dead-letters", file ?? ""), "utf8");
    const letters = text
      .trimEnd()
      .split("\n")
      .map((line): Record<string, unknown> => JSON.parse(line));
    expect(file).toMatch(/^\d{4}-\d\d-\d\d\.jsonl$/);
    for (const [seq, code, reason] of [
      [0, "unsupported-version", "of version 2"],
      [1, "invalid", "dt must strictly increase"],
      [2, "too-large", "over the limit of 65536 bytes"],
    ] as const) {
      expect(letters).toContainEqual({
        device: "pi-1",
        stream: "power",
        boot: 1,
        seq,
        code,
        reason: expect.stringContaining(reason),
        payload: strange[seq],
      });
      expect(service.stderr()).toContain(reason);
    }
    await eventually(async () =>
      expect(await queryInflux(database.url, 'SELECT sum("dead_letters") FROM "pipeline"')).toMatchObject([
        { sum: letters.length },
      ]),
    );
  });

  it("complains once of what it cannot even name, and goes on", async () => {
    const url = await brokerUrl();
    const database = await influx();
    const service = await ingest("--broker", url, "--influx", database.url);
    const pi = await device(url);
    for (let i = 0; i < 9; i++) await pi.sendRaw("power", "not json");
    await pi.sendRaw("power", JSON.stringify({ v: 1, seq: 0 }));
    await sendPower(pi, 0);
    await eventually(() => expect(pi.acked).toEqual(ackKeys(1)));
    expect(service.stderr().match(/not JSON/g)).toHaveLength(1);
    expect(service.stderr()).toContain("without readable boot and seq");
    expect(await readdir(service.data)).not.toContain("dead-letters");
  });

  it("reports on itself, and says online, offline and that it vanished", async () => {
    const url = await brokerUrl();
    const database = await influx();
    const status = await watchStatus(url);
    const first = await ingest("--broker", url, "--influx", database.url, "--id", "one");
    await eventually(() => expect(status.at(-1)).toMatchObject({ state: "online" }));
    await eventually(async () =>
      expect(await queryInflux(database.url, 'SELECT * FROM "pipeline" ORDER BY time DESC LIMIT 1')).toMatchObject([
        { service: "ingest", id: "one", queue: 0 },
      ]),
    );
    expect((await first.stop("SIGTERM")).code).toBe(0);
    await eventually(() => expect(status.at(-1)).toMatchObject({ state: "offline", reason: "shutdown" }));
    const second = await ingest("--broker", url, "--influx", database.url, "--id", "one");
    await eventually(() => expect(status.at(-1)).toMatchObject({ state: "online" }));
    await second.stop("SIGKILL");
    await eventually(() => expect(status.at(-1)).toMatchObject({ state: "offline", reason: "connection lost" }));
    expect(status.at(-1)?.epoch).toBeGreaterThan(status[0]?.epoch ?? 0);
  });
});

describe("ingest without a database", () => {
  it("writes line-protocol files, each batch before its acknowledgement", async () => {
    const url = await brokerUrl();
    const service = await ingest("--broker", url);
    const files = path.join(service.data, "telemetry");
    expect(service.ready).toMatchObject({ ready: true, influx: null, files });
    const pi = await device(url);
    for (const seq of sequence(10)) await sendPower(pi, seq);
    await eventually(() => expect(pi.acked.size).toBe(10));
    const [name] = await readdir(files);
    const lines = (await readFile(path.join(files, name ?? ""), "utf8"))
      .split("\n")
      .filter((line) => line.startsWith("power,"));
    expect(lines).toHaveLength(50);
    expect(lines[0]).toBe("power,channel=main,device=pi-1,source=estimate watts=3 1700000000000000000");
  });
});

it("ends in order, and says why, when the broker denies it the telemetry", async () => {
  const CONNACK = Buffer.from([0x20, 2, 0, 0]);
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (packet: Buffer) => {
      if (packet[0] === 0x10) socket.write(CONNACK);
      // SUBACK with the packet's id and return code "failure" (MQTT 3.1.1 section 3.9.3).
      if (packet[0] === 0x82) socket.write(Buffer.from([0x90, 3, packet[2] ?? 0, packet[3] ?? 0, 0x80]));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  undo.push(async () => server.close());
  await using dir = await tempDir();
  const url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const denied = await runCommand(INGEST_BIN, ["--broker", url, "--data", dir.path, "--log-level", "error"]);
  expect(denied.code).toBe(1);
  expect(denied.stderr).toMatch(/^edgewatt ingest: the broker denies the subscription to .*rights\n$/);
});

it("says in one line what is wrong with its configuration, and that no broker answers", async () => {
  const wrong = await runCommand(INGEST_BIN, ["--broker", "nowhere", "--influx", "ftp://x", "--id", "A B"]);
  expect(wrong.code).toBe(2);
  expect(wrong.stderr.trim().split("\n")).toHaveLength(3);
  await using dir = await tempDir();
  const alone = await runCommand(INGEST_BIN, [
    "--broker",
    "mqtt://127.0.0.1:1",
    "--data",
    dir.path,
    "--log-level",
    "silent",
  ]);
  expect(alone.code).toBe(3);
  expect(alone.stderr).toContain("mqtt://127.0.0.1:1");
});
