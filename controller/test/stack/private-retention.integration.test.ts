import { queryInflux, requireSystem, startInfluxd, type TestInfluxd } from "@edgewatt/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { setUpPrivateRetention } from "../../src/stack/private-retention.ts";

const influxd = requireSystem("influxd");

describe.skipIf(influxd.skip)("retention of a private influxd", () => {
  let influx: TestInfluxd;
  let warnings: string[];
  beforeEach(async () => {
    influx = await startInfluxd();
    warnings = [];
  });
  afterEach(() => influx.stop());

  const setUp = (asked: { raw?: number } = {}) =>
    setUpPrivateRetention(influx.url, asked, (message) => warnings.push(message));
  const durations = async () => {
    const policies = await queryInflux(influx.url, 'SHOW RETENTION POLICIES ON "edgewatt"');
    return Object.fromEntries(policies.map(({ name, duration }) => [name, duration]));
  };

  it("is days of points and months of means, or what was asked for", async () => {
    await setUp();
    expect(await durations()).toEqual({ autogen: "168h0m0s", seconds: "2160h0m0s", minutes: "17520h0m0s" });
    await setUp({ raw: 86_400 });
    expect(await durations()).toMatchObject({ autogen: "24h0m0s" });
    await setUp({ raw: 0 });
    expect(await durations()).toMatchObject({ autogen: "0s" });
    expect(warnings).toEqual([]);
  });

  it("deletes nothing that an earlier stack stored, and says what to do", async () => {
    await queryInflux(influx.url, 'CREATE DATABASE "edgewatt"');
    const at = Date.now() - 30 * 86_400_000;
    await fetch(`${influx.url}/write?db=edgewatt&precision=ms`, {
      method: "POST",
      body: `power,device=pi-1 watts=2 ${at}`,
    });
    await setUp();
    expect(warnings).toEqual([
      expect.stringMatching(/kept without end: .*older than 7d \(power\).*edgewatt export.*--influx http/),
      "computing the means of power of what is stored",
    ]);
    expect(await durations()).toEqual({ autogen: "0s", seconds: "0s", minutes: "0s" });
    expect(await queryInflux(influx.url, 'SELECT watts FROM "minutes"."power"')).toMatchObject([{ watts: 2 }]);
    await setUp();
    expect(warnings).toHaveLength(3);
  });
});
