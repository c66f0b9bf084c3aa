import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Measurement } from "@edgewatt/protocol";
import { queryInflux, requireSystem, startInfluxd, type TestInfluxd } from "@edgewatt/testing";
import { LineBuffer } from "../src/line-buffer.ts";
import { formatFieldValue, isTagValue, measurementOfLine } from "@edgewatt/database";
import { toOwnPoint } from "../src/points.ts";
import { InfluxSink } from "../src/sinks/influx.ts";
import { T0 } from "./power-batches.ts";

/** Names that must be escaped. */
const STRANGE: Measurement = {
  name: "a b,c",
  description: "",
  stream: "system",
  kind: "samples",
  tags: [
    { name: "t", from: { column: "tag" } },
    { name: "a k", from: { column: "fixed" } },
  ],
  fields: [
    { name: "s", column: "s", type: "string", unit: "text", description: "", aggregate: "last" },
    { name: "f", column: "f", type: "float", unit: "1", description: "", aggregate: "last" },
    { name: "i", column: "i", type: "integer", unit: "1", description: "", aggregate: "last" },
    { name: "b", column: "b", type: "boolean", unit: "1", description: "", aggregate: "last" },
  ],
};

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

describe("measurementOfLine", () => {
  it("finds the name as it stands, up to its tags or fields", () => {
    expect(measurementOfLine("a,t=1 w=1 1")).toBe("a");
    expect(measurementOfLine("a w=1 1")).toBe("a");
    expect(measurementOfLine(String.raw`a\ b\,c,t=1 w=1 1`)).toBe(String.raw`a\ b\,c`);
    expect(measurementOfLine("")).toBe("");
  });
});

describe.skipIf(influxd.skip)("what is written to a real influxd", () => {
  let influx: TestInfluxd;
  let sink: InfluxSink;

  beforeAll(async () => {
    influx = await startInfluxd();
    sink = new InfluxSink({ url: influx.url, timeoutMs: 45_000 });
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
          const block = toOwnPoint(STRANGE, { s: string, f: float, i: integer, b: boolean, tag, fixed: "x" }, timeUs);
          const buffer = new LineBuffer();
          buffer.append(block, Buffer.byteLength(block.text));
          expect(await sink.write(buffer)).toEqual([]);
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
