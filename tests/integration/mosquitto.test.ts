import { eventually, queryInflux, requireSystem, startInfluxd, startMosquitto, tempDir } from "@edgewatt/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { edgewattJson, type Place, startPart } from "../edgewatt.ts";

const { skip } = requireSystem("mosquitto", "influxd");
const TINY = ["--quick", "--windows", "1", "--window-s", "0.3", "--idle-s", "0.2", "--precisions", "fp32"];

describe.skipIf(skip)("Mosquitto in the broker's place, every part a process of its own", () => {
  const stops: (() => PromiseLike<unknown>)[] = [];
  let place: Place;
  let influx: string;

  beforeAll(async () => {
    const dir = await tempDir();
    stops.push(() => dir[Symbol.asyncDispose]());
    const mosquitto = await startMosquitto();
    stops.push(() => mosquitto.stop());
    const database = await startInfluxd();
    stops.push(() => database.stop());
    influx = database.url;
    place = { dir: dir.path, env: { EDGEWATT_BROKER: mosquitto.url } };
    const parts = await Promise.all([
      startPart(place, "hub", ["--http-port", "0"]),
      startPart(place, "ingest", ["--influx", influx]),
      startPart(place, "agent", ["--device", "pi-3"]),
    ]);
    stops.push(() => Promise.all(parts.map((part) => part.stop())));
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
    await eventually(async () => {
      const stored = await queryInflux(influx, "select latency_ms, run from run_summary");
      expect(stored.map(({ run }) => run)).toEqual(rows.map(({ run }) => run));
    });
    const { jobs } = await edgewattJson<{ jobs: { device: string; state: { state: string } }[] }>(place, ["runs"]);
    expect(jobs).toMatchObject([{ device: "pi-3", state: { state: "succeeded" } }]);
  });
});
