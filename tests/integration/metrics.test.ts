import { readFile } from "node:fs/promises";
import {
  eventually,
  figure,
  queryInflux,
  requireSystem,
  scrape,
  type ScrapedMetric,
  type SpawnedService,
  startInfluxd,
  tempDir,
  type TestInfluxd,
  VirtualDevice,
} from "@edgewatt/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { edgewatt, type Place, startPart } from "../edgewatt.ts";

const { skip } = requireSystem("influxd");
const SERVICES = ["broker", "hub", "ingest", "agent"] as const;
const T0 = 1_700_000_000_000_000;
const ROWS = 5;

interface DoctorCheck {
  readonly name: string;
  readonly status: string;
  readonly message: string;
  readonly figures?: { readonly spoolAgeS?: number };
}

type Metrics = ReadonlyMap<string, ScrapedMetric>;

/** Metrics that every Node.js process has, by the library, are described there. */
function own(metrics: Metrics): [string, ScrapedMetric][] {
  return [...metrics].filter(([name]) => name.startsWith("edgewatt_"));
}

async function documented(): Promise<Map<string, { type: string; help: string }>> {
  const page = await readFile(new URL("../../docs/how-to/monitoring.md", import.meta.url), "utf8");
  const rows = page.matchAll(/^\| `(edgewatt_\w+)(?:\{\w+\})?` +\| (\w+) +\| (.+?) +\|$/gm);
  return new Map([...rows].map(([, name = "", type = "", help = ""]) => [name, { type, help }]));
}

describe.skipIf(skip)("metrics of the real services, with real traffic through them", () => {
  const stops: (() => PromiseLike<unknown>)[] = [];
  const parts = new Map<(typeof SERVICES)[number], SpawnedService>();
  let place: Place;
  let database: TestInfluxd;
  let device: VirtualDevice;
  let batches = 0;

  beforeAll(async () => {
    const dir = await tempDir();
    stops.push(() => dir[Symbol.asyncDispose]());
    database = await startInfluxd();
    stops.push(() => database.stop());
    const start = async (name: (typeof SERVICES)[number], args: readonly string[]) => {
      const part = await startPart(place, name, ["--metrics-port", "0", "--log-level", "warn", ...args]);
      stops.push(() => part.stop());
      parts.set(name, part);
      return part;
    };
    place = { dir: dir.path };
    const broker = await start("broker", ["--mqtt-port", "0"]);
    place = { dir: dir.path, env: { EDGEWATT_BROKER: broker.ready["mqtt"] as string } };
    await start("hub", ["--http-port", "0"]);
    await start("ingest", ["--influx", database.url]);
    await start("agent", ["--device", "pi-1", "--source", "estimate"]);
    device = await VirtualDevice.connect(broker.ready["mqtt"] as string, "virtual-1");
    stops.push(() => device.connection.close());
  });
  afterAll(async () => {
    for (const stop of stops.toReversed()) await stop();
  });

  function read(service: (typeof SERVICES)[number]): Promise<Metrics> {
    return scrape(parts.get(service)?.ready["metrics"] as string);
  }

  async function value(service: (typeof SERVICES)[number], name: string, label?: string): Promise<number> {
    return figure(await read(service), `edgewatt_${service}_${name}`, label);
  }

  function ingest(): string {
    return `ingest ${parts.get("ingest")?.ready["id"] as string}`;
  }

  async function doctor(): Promise<ReadonlyMap<string, DoctorCheck>> {
    const { stdout } = await edgewatt(place, ["doctor", "--json"]);
    const { checks } = JSON.parse(stdout) as { checks: DoctorCheck[] };
    return new Map(checks.map((check) => [check.name, check]));
  }

  /** Five rows of power that the database has not seen. */
  async function send(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const seq = batches++;
      const ch = { main: { t0: T0 + seq * 500_000, dt: [0, 1, 2, 3, 4], w: [3, 3, 4, 3, 3], source: "estimate" } };
      await device.send("power", seq, ch);
    }
    await eventually(() => expect(device.acked.size).toBe(batches));
  }

  it.each(SERVICES)("%s is well, and shows what its process takes", async (service) => {
    const url = parts.get(service)?.ready["metrics"] as string;
    const health = await fetch(new URL("/health", url));
    expect([health.status, await health.json()]).toMatchObject([200, { state: "ready" }]);
    const metrics = await scrape(url);
    expect(figure(metrics, "process_resident_memory_bytes")).toBeGreaterThan(10e6);
    expect(figure(metrics, "process_cpu_seconds_total")).toBeGreaterThan(0);
    expect(metrics.has("nodejs_eventloop_lag_p99_seconds")).toBe(true);
  });

  it("counts a device's batches on their way through broker and ingest into the database", async () => {
    const count = 200;
    const before = {
      messages: await value("broker", "messages_received_total"),
      bytes: await value("broker", "received_bytes_total"),
      points: await value("ingest", "points_total"),
      acks: await value("ingest", "acks_total"),
      writes: await read("ingest").then((metrics) => metrics.get("edgewatt_ingest_write_duration_seconds")?.type),
    };
    expect(before.writes).toBe("histogram");
    await send(count);
    expect(await value("ingest", "batches_total")).toBeGreaterThanOrEqual(count);
    expect((await value("ingest", "points_total")) - before.points).toBeGreaterThanOrEqual(count * ROWS);
    expect(await value("ingest", "acks_total")).toBeGreaterThan(before.acks);
    expect((await value("broker", "messages_received_total")) - before.messages).toBeGreaterThan(count);
    expect((await value("broker", "received_bytes_total")) - before.bytes).toBeGreaterThan(count * 100);
    const [stored] = await queryInflux(database.url, "SELECT COUNT(watts) AS n FROM power WHERE device = 'virtual-1'");
    expect(stored?.["n"]).toBe(batches * ROWS);
    await eventually(async () => expect(await value("ingest", "queue_batches")).toBe(0));
    await eventually(async () => expect(await value("ingest", "devices")).toBeGreaterThanOrEqual(2));
  });

  it("counts what cannot be stored, and doctor names the file", async () => {
    expect(await value("ingest", "dead_letters_total")).toBe(0);
    const seq = batches++;
    // Of a version that this one cannot read.
    await device.sendRaw("power", JSON.stringify({ v: 9, boot: 1, seq }));
    await eventually(() => expect(device.acked.size).toBe(batches));
    expect(await value("ingest", "dead_letters_total")).toBe(1);
    await eventually(async () => {
      const checks = await doctor();
      expect(checks.get("dead letters")).toMatchObject({
        status: "warn",
        message: expect.stringMatching(/1 file, 1 kB in \S+dead-letters: \d{4}-\d\d-\d\d\.jsonl$/),
      });
      // The ingest tells its figures every five seconds.
      expect(checks.get(ingest())).toMatchObject({
        status: "warn",
        message: expect.stringContaining("refused 1 point "),
      });
    });
  });

  it("shows in the agent what is read, sent and acknowledged", async () => {
    const seconds = 2;
    const before = {
      readings: await eventually(() => value("agent", "sampler_readings_total", "main")),
      acknowledged: await value("agent", "batches_acknowledged_total"),
    };
    await eventually(async () =>
      expect((await value("agent", "sampler_readings_total", "main")) - before.readings).toBeGreaterThan(10 * seconds),
    );
    const metrics = await read("agent");
    const at = (name: string, label?: string) => figure(metrics, `edgewatt_agent_${name}`, label);
    expect(at("batches_acknowledged_total")).toBeGreaterThan(before.acknowledged);
    expect(at("batches_sent_total")).toBeGreaterThanOrEqual(at("batches_acknowledged_total"));
    expect(at("points_total")).toBeGreaterThan(10 * seconds);
    expect([
      at("broker_connected"),
      at("ingest_online"),
      at("spool_disk_ok"),
      at("sampler_channel_ok", "main"),
    ]).toEqual([1, 1, 1, 1]);
    expect(at("sampler_gap_max_seconds", "main")).toBeGreaterThan(0.05);
    expect(at("points_dropped_total")).toBe(0);
  });

  it("tells a database that is gone in ingest, agent and doctor, and that it is back", async () => {
    const health = new URL("/health", parts.get("ingest")?.ready["metrics"] as string);
    const { port } = new URL(database.url);
    await database.kill();
    await eventually(async () => expect((await fetch(health)).status).toBe(503));
    expect(await (await fetch(health)).json()).toMatchObject({
      state: "holding",
      reason: expect.stringContaining("InfluxDB"),
    });
    expect(await value("ingest", "holding")).toBe(1);
    expect(await value("ingest", "writes_failed_total")).toBeGreaterThan(0);
    await eventually(async () => expect(await value("agent", "spool_age_seconds")).toBeGreaterThan(3));
    expect(await value("agent", "spool_batches")).toBeGreaterThan(2);
    expect(await value("agent", "ingest_online")).toBe(0);
    const checks = await doctor();
    expect(checks.get(ingest())).toMatchObject({ status: "fail", message: expect.stringContaining("holding") });
    expect(checks.get("agent pi-1")?.figures?.spoolAgeS).toBeGreaterThan(2);
    const again = await startInfluxd({ dir: database.dir, port: Number(port) });
    stops.push(() => again.stop());
    await eventually(async () => expect((await fetch(health)).status).toBe(200));
    await eventually(async () => expect(await value("agent", "spool_age_seconds")).toBeLessThan(3));
  });

  it("is described on the page, metric by metric", async () => {
    const page = await documented();
    const shown = (await Promise.all(SERVICES.map(read))).flatMap(own);
    expect(shown.length).toBeGreaterThan(50);
    expect(Object.fromEntries(page)).toEqual(
      Object.fromEntries(shown.map(([name, { type, help }]) => [name, { type, help }])),
    );
    const misnamed = shown.filter(([name, { type }]) => name.endsWith("_total") !== (type === "counter"));
    expect(misnamed).toEqual([]);
  });
});
