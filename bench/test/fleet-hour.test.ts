import { describe, expect, it } from "vitest";
import { MEASUREMENTS, type Measurement } from "@edgewatt/protocol";
import { fleetHour } from "../live/fleet-hour.ts";

const FROM_US = 1_795_000_000_000_000;
const SECONDS = 61;
const DEVICES = 3;

describe("the hour of the fleet that dashboards are timed on", () => {
  const lines = [...fleetHour({ devices: DEVICES, fromUs: FROM_US, seconds: SECONDS })];
  const parsed = lines.map((line) => {
    const {
      measurement,
      tags = "",
      fields = "",
    } = /^(?<measurement>\w+),(?<tags>\S+) (?<fields>.+) \d{16}$/.exec(line)?.groups ?? {};
    return { measurement, tags, fields };
  });
  const keys = (text: string): string[] => [...text.matchAll(/(?:^|,)([a-z]\w*)=/g)].map(([, key = ""]) => key);

  it("has what ingest would write: every tag and only fields of the catalogue", () => {
    const seen = new Set<string | undefined>();
    for (const { measurement, tags, fields } of parsed) {
      const entry = Object.values<Measurement>(MEASUREMENTS).find(({ name }) => name === measurement);
      const known = new Set(entry?.fields.map(({ name }) => name));
      // Ingest tells of itself without a device.
      expect(new Set([...keys(tags), "device"])).toEqual(new Set(entry?.tags.map(({ name }) => name)));
      // Texts hold commas and equals signs.
      for (const key of keys(fields.replaceAll(/"[^"]*"/g, '""'))) expect(known).toContain(key);
      seen.add(measurement);
    }
    expect(seen).toEqual(
      new Set(
        Object.values<Measurement>(MEASUREMENTS)
          .map(({ name }) => name)
          .filter((name) => name !== "gap"),
      ),
    );
  });

  it("has power at 10 Hz of every device, each point once", () => {
    const power = lines.filter((line) => line.startsWith("power,"));
    expect(power).toHaveLength(DEVICES * SECONDS * 10);
    const identities = lines.map((line) => line.replace(/ .* /, " "));
    expect(new Set(identities).size).toBe(lines.length);
  });
});
