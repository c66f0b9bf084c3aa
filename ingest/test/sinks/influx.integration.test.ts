import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { queryInflux, requireSystem, startInfluxd, type TestInfluxd } from "@edgewatt/testing";
import type { Line } from "@edgewatt/database";
import { InfluxRequests } from "../../src/sinks/influx-requests.ts";
import { InfluxSink } from "../../src/sinks/influx.ts";
import type { Refusal } from "../../src/sinks/sink.ts";
import { bufferOf } from "../line-blocks.ts";
import { T0 } from "../power-batches.ts";

const influxd = requireSystem("influxd");

function open(url: string, timeoutMs = 45_000): InfluxSink {
  return new InfluxSink({ url, timeoutMs });
}

function write(sink: InfluxSink, lines: readonly Line[]): Promise<readonly Refusal[]> {
  return sink.write(bufferOf(lines));
}

describe.skipIf(influxd.skip)("InfluxSink on a real influxd", () => {
  let influx: TestInfluxd;
  let sink: InfluxSink;

  beforeAll(async () => {
    influx = await startInfluxd();
    sink = open(influx.url);
  });
  afterAll(async () => {
    await sink.close();
    await influx.stop();
  });

  it("creates the database when it is missing", async () => {
    expect(await write(sink, [`created watts=1 ${T0}`])).toEqual([]);
    expect(await queryInflux(influx.url, "SELECT count(watts) FROM created")).toMatchObject([{ count: 1 }]);
    await queryInflux(influx.url, 'DROP DATABASE "edgewatt"');
    expect(await write(sink, [`created watts=1 ${T0}`])).toEqual([]);
    expect(await queryInflux(influx.url, "SELECT count(watts) FROM created")).toMatchObject([{ count: 1 }]);
  });

  it("stores the rest of a write in which a field has another type, and names exactly the lines at fault", async () => {
    await write(sink, [`typed watts=1 ${T0}`]);
    const good = Array.from({ length: 40 }, (_, i) => `typed watts=1 ${T0 + 1 + i}`);
    const bad = [`typed watts="x" ${T0 + 100}`, `typed watts="y" ${T0 + 101}`];
    const refusals = await write(sink, [...good.slice(0, 13), bad[0] ?? "", ...good.slice(13), bad[1] ?? ""]);
    expect(refusals.flatMap(({ lines }) => lines)).toEqual(bad);
    expect(refusals[0]?.reason).toContain("field type conflict");
    expect(await queryInflux(influx.url, "SELECT count(watts) FROM typed")).toMatchObject([{ count: 41 }]);
  });

  it("stores the rest of a write with lines that InfluxDB cannot parse", async () => {
    const refusals = await write(sink, [
      `parsed watts=1 ${T0}`,
      "parsed watts= 1",
      `parsed watts=1 ${T0 + 1}`,
      "parsed",
    ]);
    expect(refusals.flatMap(({ lines }) => lines)).toEqual(["parsed watts= 1", "parsed"]);
    expect(await queryInflux(influx.url, "SELECT count(watts) FROM parsed")).toMatchObject([{ count: 2 }]);
  });

  it("refuses points beyond the retention policy and stores those within", async () => {
    await queryInflux(influx.url, 'CREATE RETENTION POLICY "short" ON "edgewatt" DURATION 1h REPLICATION 1 DEFAULT');
    const nowUs = Date.now() * 1000;
    const old = [`kept watts=1 ${T0}`, `kept watts=1 ${T0 + 1}`];
    const refusals = await write(sink, [`kept watts=1 ${nowUs}`, ...old, `kept watts=1 ${nowUs + 1}`]);
    await queryInflux(influx.url, 'ALTER RETENTION POLICY "autogen" ON "edgewatt" DEFAULT');
    expect(refusals.flatMap(({ lines }) => lines)).toEqual(old);
    expect(refusals[0]?.reason).toContain("beyond retention policy");
    expect(await queryInflux(influx.url, 'SELECT count(watts) FROM "short"."kept"')).toMatchObject([{ count: 2 }]);
  });

  it("asks less when all lines of a measurement are at fault, although those of others lie between", async () => {
    await write(sink, [`mixed\\ up watts=1 ${T0}`, `fine watts=1 ${T0}`]);
    const mixed = Array.from({ length: 1000 }, (_, i) => [
      String.raw`mixed\ up watts="x" ${T0 + 1 + i}`,
      `fine watts=1 ${T0 + 1 + i}`,
    ]).flat();
    const posted = vi.spyOn(InfluxRequests.prototype, "ask");
    const refusals = await write(sink, mixed);
    const asked = posted.mock.calls.length;
    posted.mockRestore();
    expect(refusals.flatMap(({ lines }) => lines)).toEqual(mixed.filter((line) => line.startsWith("mixed")));
    expect(asked).toBe(3);
    expect(await queryInflux(influx.url, "SELECT count(watts) FROM fine")).toMatchObject([{ count: 1001 }]);
  });

  it("takes a body that the server finds too large in parts, and refuses only a line that is too large itself", async () => {
    vi.stubEnv("INFLUXDB_HTTP_MAX_BODY_SIZE", "2000");
    const small = await startInfluxd();
    vi.unstubAllEnvs();
    const limited = open(small.url);
    const lines = Array.from({ length: 200 }, (_, i) => `cut watts=1 ${T0 + i}`);
    const huge = `cut text="${"x".repeat(3000)}" ${T0}`;
    const refusals = await write(limited, [...lines.slice(0, 77), huge, ...lines.slice(77)]);
    expect(refusals).toEqual([{ reason: expect.stringContaining("413"), lines: [huge] }]);
    expect(await queryInflux(small.url, "SELECT count(watts) FROM cut")).toMatchObject([{ count: 200 }]);
    await limited.close();
    await small.stop();
  });

  it("says that nothing is stored while the server is away, and stores again as soon as it is back", async () => {
    await influx.kill();
    await expect(write(sink, [`back watts=1 ${T0}`])).rejects.toMatchObject({
      code: "unavailable",
      retryable: true,
      message: expect.stringContaining("ECONNREFUSED"),
    });
    influx = await startInfluxd({ dir: influx.dir, port: Number(new URL(influx.url).port) });
    expect(await write(sink, [`back watts=1 ${T0}`])).toEqual([]);
  });
});

describe.skipIf(influxd.skip)("InfluxSink on an influxd with users", () => {
  let influx: TestInfluxd;

  async function ask(q: string, user: string): Promise<Response> {
    const authorization = `Basic ${Buffer.from(`${user}:${user}-pw`).toString("base64")}`;
    return fetch(`${influx.url}/query`, {
      method: "POST",
      headers: { authorization },
      body: new URLSearchParams({ db: "edgewatt", q }),
    });
  }

  function openAs(user: string, password = `${user}-pw`): InfluxSink {
    return new InfluxSink({ url: influx.url, user, password, timeoutMs: 45_000 });
  }

  // The users of docker-compose.yml.
  beforeAll(async () => {
    vi.stubEnv("INFLUXDB_HTTP_AUTH_ENABLED", "true");
    influx = await startInfluxd();
    vi.unstubAllEnvs();
    await ask(`CREATE USER admin WITH PASSWORD 'admin-pw' WITH ALL PRIVILEGES`, "admin");
    for (const user of ["ingest", "grafana"]) await ask(`CREATE USER ${user} WITH PASSWORD '${user}-pw'`, "admin");
  });
  afterAll(() => influx.stop());

  it("says which database is missing when it may not create it, and writes when there is one and it may", async () => {
    const sink = openAs("ingest");
    await expect(write(sink, [`a watts=1 ${T0}`])).rejects.toMatchObject({ name: "SinkError", retryable: true });
    await ask("CREATE DATABASE edgewatt", "admin");
    await expect(write(sink, [`a watts=1 ${T0}`])).rejects.toMatchObject({ code: "unauthorized" });
    await ask("GRANT WRITE ON edgewatt TO ingest", "admin");
    await ask("GRANT READ ON edgewatt TO grafana", "admin");
    expect(await write(sink, [`a watts=1 ${T0}`])).toEqual([]);
    await sink.close();
  });

  it("is refused with a wrong password, or as the user that can only read", async () => {
    for (const sink of [openAs("ingest", "wrong"), openAs("grafana")]) {
      await expect(write(sink, [`a watts=2 ${T0 + 1}`])).rejects.toMatchObject({
        code: "unauthorized",
        retryable: true,
      });
      await sink.close();
    }
  });

  it("leaves the reading user unable to change anything", async () => {
    expect((await ask("SELECT * FROM a", "grafana")).status).toBe(200);
    expect(await (await ask("SELECT * FROM a", "grafana")).json()).toMatchObject({
      results: [{ series: [{ values: [[expect.anything(), 1]] }] }],
    });
    for (const q of ["DROP DATABASE edgewatt", "DROP MEASUREMENT a", 'SELECT * INTO "b" FROM "a"']) {
      expect(await (await ask(q, "grafana")).text()).toMatch(/error/);
    }
  });
});
