import assert from "node:assert/strict";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requireSystem } from "@edgewatt/testing";
import { fillDatabase, type FilledDatabase } from "../replay/filled-database.ts";
import { DEVICES } from "../replay/telemetry.ts";
import { drawn, type Drawn } from "./drawn.ts";
import { formattedValueToString } from "./transformers.ts";

const influxd = requireSystem("influxd");
let database: FilledDatabase | undefined;

beforeAll(async () => {
  if (influxd.skip) return;
  database = await fillDatabase();
});

afterAll(async () => database?.[Symbol.asyncDispose]());

/** The table of devices, this long after the last point. */
function devices(laterMs: number): Promise<Drawn> {
  assert(database);
  const { url, endMs } = database;
  return drawn({ url, endMs: endMs + laterMs }, { uid: "edgewatt-fleet", title: "Devices" });
}

function shown({ column, field }: Drawn, name: string): string[] {
  return column(name).map((value) => formattedValueToString(field(name).display!(value)));
}

describe.skipIf(influxd.skip)("Fleet, drawn by Grafana's own transformers", () => {
  it("has a row per device, which says what it does and draws", async () => {
    const table = await devices(0);
    expect(table.names).toEqual([
      "Device",
      "Telemetry",
      "State",
      "Last seen",
      "Power",
      "Channel",
      "Source",
      "Temperature",
      "Throttled now",
      "Throttled since boot",
      "Clock",
      "Job",
      "Job state",
    ]);
    expect(new Set(table.column("Device"))).toEqual(new Set(DEVICES));
    expect(new Set(shown(table, "Telemetry"))).toEqual(new Set(["heard"]));
    expect(new Set(shown(table, "Clock"))).toEqual(new Set(["synchronized"]));
    expect(new Set(table.column("Power"))).toEqual(new Set([4]));
  });

  it("calls every device silent when none is heard any more", async () => {
    const table = await devices(60_000);
    expect(new Set(table.column("Device"))).toEqual(new Set(DEVICES));
    expect(new Set(shown(table, "Telemetry"))).toEqual(new Set(["silent"]));
    expect(new Set(table.column("State"))).toEqual(new Set(["measuring"]));
    expect(table.names).not.toContain("Power");
  });
});
