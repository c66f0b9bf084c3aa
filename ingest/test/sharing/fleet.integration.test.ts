import { describe, expect, it } from "vitest";
import { eventually, queryInflux, requireSystem, runCommand, tempDir, type VirtualDevice } from "@edgewatt/testing";
import { ownerOf } from "../../src/sharing/rendezvous.ts";
import { ackKeys, sendPower, sequence } from "../power-batches.ts";
import { brokerUrl, countPower, device, influx, ingest, INGEST_BIN, watchStatus } from "../processes.ts";

const influxd = requireSystem("influxd");
const mosquitto = requireSystem("influxd", "mosquitto");
const DEVICES = 6;
const POINTS = 5;

type Service = Awaited<ReturnType<typeof ingest>>;

/** Instances on one broker and database, each of which knows the others. */
async function instances(url: string, database: string, ids: readonly string[]): Promise<Map<string, Service>> {
  const services = new Map<string, Service>();
  for (const id of ids) {
    services.set(id, await ingest("--broker", url, "--influx", database, "--id", id, "--log-level", "info"));
  }
  for (const [id, service] of services)
    await knows(
      service,
      ids.filter((other) => other !== id),
    );
  return services;
}

/** Waits until an instance's last word on whom it shares the fleet with names these. */
async function knows(service: Service, others: readonly string[]): Promise<void> {
  await eventually(() => {
    const said = service.stderr().match(/"others":\[[^\]]*\]/g) ?? [];
    expect(said.at(-1) ?? '"others":[]').toBe(`"others":${JSON.stringify([...others].sort())}`);
  });
}

async function fleet(url: string): Promise<VirtualDevice[]> {
  return Promise.all(sequence(DEVICES).map((n) => device(url, `pi-${n}`)));
}

/** Sends what is not acknowledged until all is, as agents do. */
async function sendUntilAcked(devices: readonly VirtualDevice[], batches: number): Promise<void> {
  await eventually(
    async () => {
      for (const pi of devices) {
        for (const seq of sequence(batches)) if (!pi.acked.has(`power/1/${seq}`)) await sendPower(pi, seq);
      }
      for (const pi of devices) expect(pi.acked).toEqual(ackKeys(batches));
    },
    { everyMs: 500, timeoutMs: 60_000 },
  );
}

/** Batches that each instance has acknowledged, by its own reports. */
async function handled(database: string): Promise<Record<string, unknown>> {
  const rows = await queryInflux(database, 'SELECT sum("batches") FROM "pipeline" GROUP BY "id"');
  return Object.fromEntries(rows.map(({ id, sum }) => [String(id), sum]));
}

describe.skipIf(influxd.skip).each([
  ["aedes", influxd],
  ["mosquitto", mosquitto],
] as const)("several instances on %s", (kind, needed) => {
  it.skipIf(needed.skip).each([[["one", "two"]], [["one", "two", "three"]]])(
    "%j share the fleet: each device's batches are stored by one of them",
    async (ids) => {
      const [url, database] = [await brokerUrl(kind), await influx()];
      await instances(url, database.url, ids);
      const devices = await fleet(url);
      for (const seq of sequence(10)) for (const pi of devices) await sendPower(pi, seq);
      await eventually(() => {
        for (const pi of devices) expect(pi.acked).toEqual(ackKeys(10));
      });
      const expected = Object.fromEntries(ids.map((id) => [id, 0]));
      for (const pi of devices) {
        const owner = ownerOf(pi.id, ids) ?? "";
        expected[owner] = (expected[owner] ?? 0) + 10;
      }
      await eventually(async () => expect(await handled(database.url)).toEqual(expected));
      expect(await countPower(database.url)).toBe(DEVICES * 10 * POINTS);
    },
  );

  it.skipIf(needed.skip)("take over from one that is killed, one that is stopped, and one that ends", async () => {
    const [url, database] = [await brokerUrl(kind), await influx()];
    const services = await instances(url, database.url, ["one", "two", "three"]);
    const [one, two, three] = ["one", "two", "three"].map((id) => services.get(id));
    if (!one || !two || !three) return;
    const devices = await fleet(url);
    await sendUntilAcked(devices, 4);

    await two.stop("SIGKILL");
    await sendUntilAcked(devices, 8);
    await knows(one, ["three"]);

    three.child.kill("SIGSTOP");
    await sendUntilAcked(devices, 12);
    await knows(one, []);

    // What waited in its socket is taken twice, which changes nothing.
    three.child.kill("SIGCONT");
    await knows(one, ["three"]);
    await knows(three, ["one"]);
    await sendUntilAcked(devices, 16);

    expect((await one.stop("SIGTERM")).code).toBe(0);
    await sendUntilAcked(devices, 20);
    expect(await countPower(database.url)).toBe(DEVICES * 20 * POINTS);
  });
});

describe.skipIf(influxd.skip)("one name", () => {
  it.each(["aedes", "mosquitto"] as const)(
    "is one instance's on %s: the second ends and says what to do",
    async (kind) => {
      const [url, database] = [await brokerUrl(kind), await influx()];
      const first = await ingest("--broker", url, "--influx", database.url, "--id", "one");
      const seen = await watchStatus(url, "one");
      await eventually(() => expect(seen.at(-1)?.state).toBe("online"));
      await using dir = await tempDir();
      const args = ["--broker", url, "--influx", database.url, "--id", "one", "--data", dir.path];
      const second = await runCommand(INGEST_BIN, [...args, "--log-level", "silent"]);
      expect(second.code).toBe(2);
      expect(second.stderr).toMatch(/another ingest runs as "one" on this broker since \d{4}-.*--data DIR.*--id NAME/);
      const pi = await device(url);
      await sendPower(pi, 0);
      await eventually(() => expect(pi.acked).toEqual(ackKeys(1)));
      expect(first.child.exitCode).toBeNull();
      // Agents go by the highest epoch, wherever the broker was so slow that the second had spoken.
      await eventually(() => {
        const newest = Math.max(...seen.map(({ epoch }) => epoch));
        expect(seen.findLast(({ epoch }) => epoch === newest)?.state).toBe("online");
      });
    },
  );

  it("does not let two onto one data folder", async () => {
    const [url, database] = [await brokerUrl(), await influx()];
    const first = await ingest("--broker", url, "--influx", database.url, "--id", "one");
    const args = ["--broker", url, "--influx", database.url, "--id", "two", "--data", first.data];
    const second = await runCommand(INGEST_BIN, [...args, "--log-level", "silent"]);
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(/in use by the ingest with process id \d+: .*--data DIR/);
    expect((await first.stop("SIGTERM")).code).toBe(0);
    const third = await ingest(...args);
    expect(third.ready["id"]).toBe("two");
  });

  it("is free again after a kill, and nobody who is live has a word of the dead retained", async () => {
    const [url, database] = [await brokerUrl(), await influx()];
    const first = await ingest("--broker", url, "--influx", database.url);
    const args = ["--broker", url, "--influx", database.url, "--data", first.data];
    await first.stop("SIGKILL");
    const second = await ingest(...args);
    expect(second.ready["id"]).toBe(first.ready["id"]);
    const seen = await watchStatus(url);
    await eventually(() => expect(seen.at(-1)?.state).toBe("online"));
  });
});
