import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MEASUREMENTS } from "@edgewatt/protocol";
import { eventually, queryInflux, requireSystem, startInfluxd, type TestInfluxd } from "@edgewatt/testing";
import { DatabaseClient } from "../src/client.ts";
import { DOWNSAMPLED, LEVELS } from "../src/downsampling.ts";
import { recompute } from "../src/recompute.ts";
import { setUpRetention } from "../src/retention.ts";
import { isDownsampled, readState } from "../src/state.ts";

const influxd = requireSystem("influxd");

const DAY_S = 86_400;
const WANTED = { raw: 7 * DAY_S, seconds: 90 * DAY_S, minutes: 730 * DAY_S };

/** Ten points in a second, from 1 W to 10 W, each with a wider range around it. */
function second(atS: number, device = "pi-1"): string {
  return Array.from(
    { length: 10 },
    (_, i) =>
      `power,channel=usb,device=${device},source=ina226 watts=${i + 1},watts_min=${i},watts_max=${i + 2},run="job/0" ${atS * 1_000_000 + i * 100_000}`,
  ).join("\n");
}

function minute(atS: number): string {
  return Array.from({ length: 60 }, (_, i) => second(atS + i)).join("\n");
}

describe.skipIf(influxd.skip)("retention on a real influxd", () => {
  let influx: TestInfluxd;
  let client: DatabaseClient;
  beforeAll(async () => {
    influx = await startInfluxd();
    client = new DatabaseClient({ url: influx.url });
  });
  afterAll(() => influx.stop());

  const power = (policy: string) => queryInflux(influx.url, `SELECT * FROM "${policy}"."power"`, { epoch: "ms" });
  const write = (lines: string) => client.write(lines, { precision: "u" });
  const minutesAgo = (n: number) => Math.floor(Date.now() / 60_000) * 60 - n * 60;

  it("is nothing that is done in a dry run", async () => {
    const steps = await setUpRetention(client, WANTED, { dryRun: true });
    expect(steps.map(({ what }) => what)).toContain("database edgewatt");
    expect((await readState(client)).exists).toBe(false);
  });

  it("computes the means of what is stored before it shortens anything", async () => {
    await client.query("CREATE DATABASE edgewatt");
    const at = minutesAgo(120);
    await write(minute(at));
    await setUpRetention(client, WANTED);
    const seconds = await power("seconds");
    expect(seconds).toHaveLength(60);
    expect(seconds[0]).toEqual({
      time: at * 1000,
      channel: "usb",
      device: "pi-1",
      source: "ina226",
      watts: 5.5,
      watts_min: 0,
      watts_max: 11,
      run: "job/0",
    });
    expect(await power("minutes")).toMatchObject([{ time: at * 1000, watts: 5.5, watts_min: 0, watts_max: 11 }]);
    expect((await readState(client)).policies).toEqual([
      { name: "autogen", durationS: 7 * DAY_S, shardS: DAY_S, isDefault: true },
      { name: "seconds", durationS: 90 * DAY_S, shardS: 7 * DAY_S, isDefault: false },
      { name: "minutes", durationS: 730 * DAY_S, shardS: 30 * DAY_S, isDefault: false },
    ]);
  });

  it("changes nothing the second time, and only what differs the third time", async () => {
    expect(await setUpRetention(client, WANTED)).toEqual([]);
    expect(isDownsampled(await readState(client))).toBe(true);
    await client.query('DROP CONTINUOUS QUERY "system_minutes" ON "edgewatt"');
    const steps = await setUpRetention(client, { ...WANTED, seconds: 30 * DAY_S });
    expect(steps.map(({ what, from }) => [what, from])).toEqual([
      ["retention policy seconds", "90d in shards of 7d"],
      ["continuous query system_minutes", null],
    ]);
    expect(await setUpRetention(client, { ...WANTED, seconds: 30 * DAY_S })).toEqual([]);
  });

  it("has the server keep a query for each measurement and level, and puts back one that somebody changed", async () => {
    const { continuousQueries } = await readState(client);
    expect(continuousQueries.size).toBe(DOWNSAMPLED.length * LEVELS.length);
    await client.query('DROP CONTINUOUS QUERY "gap_seconds" ON "edgewatt"');
    await client.query(
      'CREATE CONTINUOUS QUERY "gap_seconds" ON "edgewatt" BEGIN SELECT sum("lost") INTO "x" FROM "gap" GROUP BY time(1h) END',
    );
    expect(await setUpRetention(client, { ...WANTED, seconds: 30 * DAY_S })).toMatchObject([
      { what: "continuous query gap_seconds", from: expect.stringContaining("1h") },
    ]);
  });

  it("has the server compute the means of what arrives in time", async () => {
    const at = Math.floor(Date.now() / 1000) - 2;
    await write(second(at, "pi-live"));
    await eventually(async () => {
      const rows = await queryInflux(influx.url, `SELECT * FROM "seconds"."power" WHERE device = 'pi-live'`, {
        epoch: "ms",
      });
      expect(rows).toMatchObject([{ time: at * 1000, watts: 5.5, watts_max: 11 }]);
    });
  });

  it("computes late points into the means, and the same again when it runs twice", async () => {
    const at = minutesAgo(60);
    await write(second(at, "pi-late"));
    const late = () =>
      queryInflux(influx.url, `SELECT watts FROM "minutes"."power" WHERE device = 'pi-late'`, { epoch: "ms" });
    expect(await late()).toEqual([]);
    const job = { rawPolicy: "autogen", measurement: MEASUREMENTS.power, stretch: { fromS: at + 1, toS: at + 2 } };
    const written = await recompute(client, job);
    expect(await late()).toEqual([{ time: at * 1000, watts: 5.5 }]);
    await write(`power,channel=usb,device=pi-late,source=ina226 watts=16.5 ${at * 1_000_000 + 950_000}`);
    expect(await recompute(client, job)).toBe(written);
    expect(await recompute(client, job)).toBe(written);
    expect(await late()).toEqual([{ time: at * 1000, watts: 6.5 }]);
  });

  it("leaves out what a level does not keep that long", async () => {
    const at = minutesAgo(100 * 24 * 60);
    await client.query('ALTER RETENTION POLICY "autogen" ON "edgewatt" DURATION INF');
    await write(second(at, "pi-old"));
    const stretch = { fromS: at, toS: at + 1 };
    await recompute(client, { rawPolicy: "autogen", measurement: MEASUREMENTS.power, stretch });
    const old = (policy: string) =>
      queryInflux(influx.url, `SELECT watts FROM "${policy}"."power" WHERE device = 'pi-old'`, { epoch: "ms" });
    expect(await old("seconds")).toEqual([]);
    expect(await old("minutes")).toEqual([{ time: at * 1000, watts: 5.5 }]);
    await setUpRetention(client, { ...WANTED, seconds: 30 * DAY_S }, { allowDelete: true });
  });

  it("keeps each record as it is: text, whole numbers, and two rows of one minute", async () => {
    const at = minutesAgo(30) * 1_000_000 + 123_456;
    const tags = "device=pi-1,model=p00,precision=int8,pruning=0.00";
    await write(`run_summary,${tags} params=3228170i,latency_ms=1.5,flags="a b",run="job/0" ${at}`);
    await write(`run_summary,${tags} params=3228170i,latency_ms=2.5,flags="",run="job/1" ${at + 2_000_000}`);
    const stretch = { fromS: Math.floor(at / 1e6), toS: Math.floor(at / 1e6) + 1 };
    await recompute(client, { rawPolicy: "autogen", measurement: MEASUREMENTS.runSummary, stretch });
    for (const policy of ["seconds", "minutes"]) {
      expect(
        await queryInflux(influx.url, `SELECT params, latency_ms, flags, run FROM "${policy}"."run_summary"`, {
          epoch: "ms",
        }),
      ).toEqual([
        { time: Math.floor(at / 1e6) * 1000, params: 3_228_170, latency_ms: 1.5, flags: "a b", run: "job/0" },
        { time: Math.floor(at / 1e6) * 1000 + 2000, params: 3_228_170, latency_ms: 2.5, flags: "", run: "job/1" },
      ]);
    }
  });

  it("deletes nothing unless it is told to", async () => {
    const shorter = { ...WANTED, raw: DAY_S / 24 };
    await write(second(minutesAgo(150)));
    await expect(setUpRetention(client, shorter)).rejects.toMatchObject({
      code: "would-delete",
      message: expect.stringMatching(/autogen holds points older than 1h \(power.*edgewatt export.*--allow-delete/),
    });
    expect((await readState(client)).policies.find(({ isDefault }) => isDefault)?.durationS).toBe(WANTED.raw);
    const steps = await setUpRetention(client, shorter, { allowDelete: true });
    expect(steps).toMatchObject([
      { what: "retention policy seconds" },
      { what: "retention policy autogen", to: "1h in shards of 1h" },
    ]);
  });

  it("takes forever", async () => {
    await setUpRetention(client, { raw: 0, seconds: 0, minutes: 0 });
    expect((await readState(client)).policies.map(({ durationS }) => durationS)).toEqual([0, 0, 0]);
    expect(await setUpRetention(client, { raw: 0, seconds: 0, minutes: 0 })).toEqual([]);
  });
});
