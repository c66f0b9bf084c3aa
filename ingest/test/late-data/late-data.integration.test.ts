import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DatabaseClient, setUpRetention } from "@edgewatt/database";
import { createLogger, ManualClock } from "@edgewatt/runtime";
import {
  eventually,
  queryInflux,
  requireSystem,
  startInfluxd,
  type TempDir,
  tempDir,
  type TestInfluxd,
} from "@edgewatt/testing";
import { LateDataSink } from "../../src/late-data/late-data-sink.ts";
import { LateLedger } from "../../src/late-data/ledger.ts";
import { Recomputer } from "../../src/late-data/recomputer.ts";
import { InfluxSink } from "../../src/sinks/influx.ts";
import { bufferOf } from "../line-blocks.ts";

const influxd = requireSystem("influxd");
const FOREVER = { raw: 0, seconds: 0, minutes: 0 };
const log = createLogger({ name: "test", level: "silent" });

describe.skipIf(influxd.skip)("late points on a real influxd", () => {
  let influx: TestInfluxd;
  let dir: TempDir;
  let client: DatabaseClient;
  let clock: ManualClock;
  let sinks: LateDataSink[];

  beforeEach(async () => {
    influx = await startInfluxd();
    dir = await tempDir();
    client = new DatabaseClient({ url: influx.url });
    clock = new ManualClock(Date.now() * 1000);
    sinks = [];
  });
  afterEach(async () => {
    for (const sink of sinks) await sink.close();
    await influx.stop();
    await dir[Symbol.asyncDispose]();
  });

  const file = () => path.join(dir.path, "late.json");
  const hoursOnDisk = async () => (JSON.parse(await readFile(file(), "utf8")) as { hours: number[] }).hours;
  const minutes = () => queryInflux(influx.url, 'SELECT watts FROM "minutes"."power"', { epoch: "ms" });
  const minutesAgo = (n: number) => (Math.floor(Date.now() / 60_000) - n) * 60;

  async function open(): Promise<LateDataSink> {
    const inner = new InfluxSink({ url: influx.url, timeoutMs: 45_000 });
    const ledger = await LateLedger.open(file(), log);
    const sink = new LateDataSink(inner, new Recomputer({ connect: () => client, ledger, log, clock }), clock);
    sinks.push(sink);
    return sink;
  }

  const line = (atS: number, watts: number) => `power,channel=usb,device=pi-1,source=rapl watts=${watts} ${atS}000000`;

  it("are in the means when they have been quiet for a while, however often they come", async () => {
    await setUpRetention(client, FOREVER);
    const sink = await open();
    const at = minutesAgo(90);
    await sink.write(bufferOf([line(at, 1), line(at + 1, 3), line(Math.floor(Date.now() / 1000), 9)]));
    expect(await hoursOnDisk()).toEqual([Math.floor(at / 3600)]);
    await clock.advance(15_000);
    await sink.write(bufferOf([line(at, 1), line(at + 2, 5)]));
    await clock.advance(15_000);
    expect(await minutes()).toEqual([]);
    await clock.advance(10_000);
    await eventually(async () => expect(await minutes()).toEqual([{ time: at * 1000, watts: 3 }]));
    await eventually(async () => expect(await hoursOnDisk()).toEqual([]));
  });

  it("are in the means though more of them keep coming", async () => {
    await setUpRetention(client, FOREVER);
    const sink = await open();
    const at = minutesAgo(90);
    for (let i = 0; i < 13; i++) {
      await sink.write(bufferOf([line(at + i, 2)]));
      await clock.advance(10_000);
    }
    await eventually(async () => expect(await minutes()).toEqual([{ time: at * 1000, watts: 2 }]));
  });

  it("are in the means though ingest was killed before it had computed them", async () => {
    await setUpRetention(client, FOREVER);
    const at = minutesAgo(200);
    await (await open()).write(bufferOf([line(at, 2)]));
    const hour = await hoursOnDisk();
    await sinks.pop()?.close();
    await writeFile(file(), JSON.stringify({ v: 1, hours: hour }));
    await open();
    await clock.advance(25_000);
    await eventually(async () => expect(await minutes()).toEqual([{ time: at * 1000, watts: 2 }]));
    await eventually(async () => expect(await hoursOnDisk()).toEqual([]));
  });

  it("wait while the database is away", async () => {
    await setUpRetention(client, FOREVER);
    const sink = await open();
    const at = minutesAgo(90);
    await sink.write(bufferOf([line(at, 2)]));
    await influx.kill();
    await clock.advance(25_000);
    const again = await startInfluxd({ dir: influx.dir, port: Number(new URL(influx.url).port) });
    await eventually(async () => {
      await clock.advance(25_000);
      expect(await minutes()).toEqual([{ time: at * 1000, watts: 2 }]);
    });
    await again.stop();
  });

  it("are nobody's concern in a database without means, until it keeps some", async () => {
    const sink = await open();
    const at = minutesAgo(90);
    await sink.write(bufferOf([line(at, 2)]));
    await clock.advance(25_000);
    await eventually(async () => expect(await hoursOnDisk()).toEqual([]));
    expect(await queryInflux(influx.url, "SHOW RETENTION POLICIES")).toHaveLength(1);
    await setUpRetention(client, FOREVER);
    expect(await minutes()).toEqual([{ time: at * 1000, watts: 2 }]);
    await sink.write(bufferOf([line(at + 60, 4)]));
    await clock.advance(25_000);
    await eventually(async () => expect(await minutes()).toHaveLength(2));
  });
});
