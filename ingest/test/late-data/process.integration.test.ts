import { describe, expect, it } from "vitest";
import { DatabaseClient, setUpRetention } from "@edgewatt/database";
import { eventually, queryInflux, requireSystem } from "@edgewatt/testing";
import { sendPower, T0 } from "../power-batches.ts";
import { brokerUrl, device, influx, ingest, watchStatus } from "../processes.ts";

const influxd = requireSystem("influxd");

describe.skipIf(influxd.skip)("ingest before a database with means", () => {
  it("has late points in them, though it was killed when it had just acknowledged them", async () => {
    const url = await brokerUrl();
    const database = await influx();
    await setUpRetention(new DatabaseClient({ url: database.url }), { raw: 0, seconds: 0, minutes: 0 });
    const first = await ingest("--broker", url, "--influx", database.url, "--id", "one");
    const pi = await device(url);
    await sendPower(pi, 0);
    await eventually(() => expect(pi.acked.size).toBe(1));
    await first.stop("SIGKILL");
    expect(await queryInflux(database.url, 'SELECT * FROM "minutes"."power"')).toEqual([]);
    await ingest("--broker", url, "--influx", database.url, "--id", "one", "--data", first.data);
    await eventually(
      async () =>
        expect(await queryInflux(database.url, 'SELECT watts FROM "minutes"."power"', { epoch: "ms" })).toEqual([
          { time: Math.floor(T0 / 60e6) * 60_000, watts: 3.4 },
        ]),
      { timeoutMs: 90_000 },
    );
    expect(await queryInflux(database.url, 'SELECT watts FROM "seconds"."power"')).toMatchObject([{ watts: 3.4 }]);
  });
});

it("holds, says why, and acknowledges nothing while the disk of its machine has less than the reserve", async () => {
  const url = await brokerUrl();
  const status = await watchStatus(url);
  await ingest("--broker", url, "--disk-reserve-mb", "1000000000000");
  const pi = await device(url);
  await sendPower(pi, 0);
  await eventually(() =>
    expect(status.at(-1)).toMatchObject({
      state: "holding",
      reason: expect.stringMatching(/less than the reserve .* telemetry is held by the agents/),
    }),
  );
  expect(pi.acked.size).toBe(0);
});
