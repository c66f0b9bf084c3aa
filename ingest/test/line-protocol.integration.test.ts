import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "@edgewatt/runtime";
import { queryInflux, requireSystem, startInfluxd, type TestInfluxd } from "@edgewatt/testing";
import { formatFieldValue, formatLine, formatSeries, isTagValue } from "@edgewatt/database";
import { InfluxSink } from "../src/sinks/influx.ts";
import { T0 } from "./power-batches.ts";

const influxd = requireSystem("influxd");

const text = fc.string({ unit: fc.constantFrom(...Array.from("ab ,=\"'\\/#${}é°😀\t\n0.:-")) });

describe("formatFieldValue", () => {
  it("refuses what is not of the field's type", () => {
    expect(formatFieldValue("float", Number.NaN)).toBeUndefined();
    expect(formatFieldValue("float", Number.POSITIVE_INFINITY)).toBeUndefined();
    expect(formatFieldValue("float", "1")).toBeUndefined();
    expect(formatFieldValue("integer", 1.5)).toBeUndefined();
    expect(formatFieldValue("boolean", 1)).toBeUndefined();
    expect(formatFieldValue("string", 1)).toBeUndefined();
    expect(formatFieldValue("integer", 0)).toBe("0i");
  });
});

describe.skipIf(influxd.skip)("what is written to a real influxd", () => {
  let influx: TestInfluxd;
  let sink: InfluxSink;

  beforeAll(async () => {
    influx = await startInfluxd();
    sink = new InfluxSink({ url: influx.url, timeoutMs: 45_000, clock: systemClock });
  });
  afterAll(async () => {
    await sink.close();
    await influx.stop();
  });

  it("is read back as it was, whatever the characters and numbers", async () => {
    let n = 0;
    await fc.assert(
      fc.asyncProperty(
        text.filter(isTagValue),
        text,
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.maxSafeInteger(),
        fc.boolean(),
        async (tag, string, float, integer, boolean) => {
          const timeUs = T0 + n++;
          const fields = [
            `s=${formatFieldValue("string", string)}`,
            `f=${formatFieldValue("float", float)}`,
            `i=${formatFieldValue("integer", integer)}`,
            `b=${formatFieldValue("boolean", boolean)}`,
          ];
          expect(
            await sink.write([
              formatLine(
                formatSeries("a b,c", [
                  ["t", tag],
                  ["a k", "x"],
                ]),
                fields,
                timeUs,
              ),
            ]),
          ).toEqual([]);
          const [row] = await queryInflux(influx.url, `SELECT * FROM "a b,c" WHERE time = ${timeUs}u`, { epoch: "u" });
          // InfluxDB answers integers as JSON numbers and has one zero.
          expect(row).toEqual({
            time: timeUs,
            t: tag,
            "a k": "x",
            s: string,
            f: float === 0 ? 0 : float,
            i: integer === 0 ? 0 : integer,
            b: boolean,
          });
        },
      ),
      { numRuns: 200 },
    );
  });
});
