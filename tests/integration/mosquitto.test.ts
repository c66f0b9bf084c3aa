import path from "node:path";
import {
  eventually,
  queryInflux,
  requireSystem,
  type SpawnedService,
  startInfluxd,
  startMosquitto,
  tempDir,
} from "@edgewatt/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { edgewattJson, type Place, startPart } from "../edgewatt.ts";

const { skip } = requireSystem("mosquitto", "influxd");
const TINY = ["--quick", "--windows", "1", "--window-s", "0.3", "--idle-s", "0.2", "--precisions", "fp32"];

describe.skipIf(skip)("Mosquitto in the broker's place, every part a process of its own", () => {
  const stops: (() => PromiseLike<unknown>)[] = [];
  let place: Place;
  let influx: string;
  const ingests: SpawnedService[] = [];

  /** Each in a data folder of its own. */
  function startIngest(id: string): Promise<SpawnedService> {
    return startPart(place, "ingest", ["--influx", influx, "--id", id, "--data", path.join(place.dir, id)]);
  }

  async function expectStored(rows: readonly { readonly run: string }[]): Promise<void> {
    await eventually(
      async () => {
        const stored = await queryInflux(influx, "select latency_ms, run from run_summary");
        expect(stored.map(({ run }) => run)).toEqual(expect.arrayContaining(rows.map(({ run }) => run)));
      },
      { timeoutMs: 90_000 },
    );
  }

  beforeAll(async () => {
    const dir = await tempDir();
    stops.push(() => dir[Symbol.asyncDispose]());
    const mosquitto = await startMosquitto();
    stops.push(() => mosquitto.stop());
    const database = await startInfluxd();
    stops.push(() => database.stop());
    influx = database.url;
    place = { dir: dir.path, env: { EDGEWATT_BROKER: mosquitto.url } };
    const [hub, agent, first] = await Promise.all([
      startPart(place, "hub", ["--http-port", "0"]),
      startPart(place, "agent", ["--device", "pi-3"]),
      startIngest("one"),
    ]);
    ingests.push(first);
    stops.push(() => Promise.all([hub, agent, ...ingests].map((part) => part.stop())));
  });
  afterAll(async () => {
    for (const stop of stops.toReversed()) await stop();
  });

  it("shows the device", async () => {
    const { devices } = await edgewattJson<{ devices: { id: string; presence: string }[] }>(place, ["devices"]);
    expect(devices).toMatchObject([{ id: "pi-3", presence: "online" }]);
  });

  it("runs a benchmark, whose points reach the database and whose job the hub records", async () => {
    const { rows } = await edgewattJson<{ rows: { run: string }[] }>(place, ["benchmark", "p40", ...TINY]);
    expect(rows).toHaveLength(1);
    await expectStored(rows);
    const { jobs } = await edgewattJson<{ jobs: { device: string; state: { state: string } }[] }>(place, ["runs"]);
    expect(jobs).toMatchObject([{ device: "pi-3", state: { state: "succeeded" } }]);
  });

  it("loses nothing when one of two ingests is killed, whichever had the device", async () => {
    for (const id of ["two", "one"]) {
      const next = await startIngest(id);
      const killed = ingests.splice(0, 1, next);
      const benchmark = edgewattJson<{ rows: { run: string }[] }>(place, ["benchmark", "p40", ...TINY]);
      await Promise.all(killed.map((part) => part.stop("SIGKILL")));
      await expectStored((await benchmark).rows);
    }
  });
});
