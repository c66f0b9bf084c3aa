import { join } from "node:path";
import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import { decodeMessage } from "@edgewatt/protocol";
import { findTelegraf } from "../peers/telegraf.ts";
import { pointsOf } from "../telemetry/runs.ts";
import { makeStream } from "../telemetry/stream.ts";

const T0_US = 1_760_000_000_000_000;

describe("the stream of the telemetry benchmarks", () => {
  const stream = makeStream({ devices: 2, rateHz: 10, batchesPerDevice: 3 }, T0_US, 4);

  it("has the same points in every form that a contestant reads", () => {
    for (const message of stream) {
      const { ch } = decodeMessage("telemetry", Buffer.from(message.columns));
      const { rows } = JSON.parse(message.rows) as { rows: Record<string, number>[] };
      const { main } = ch;
      expect(rows.map(({ t }) => t)).toEqual(main?.dt.map((offset) => main.t0 + offset));
      expect(rows.map(({ watts }) => watts)).toEqual(main?.["w"]);
      expect(rows.map(({ amps }) => amps)).toEqual(main?.["a"]);
      const device = message.topic.split("/")[2];
      expect(message.lines).toEqual(
        rows.map(
          ({ t, watts, watts_min, watts_max, volts, amps }) =>
            `power,channel=main,device=${device},source=ina226 watts=${watts},watts_min=${watts_min},` +
            `watts_max=${watts_max},volts=${volts},amps=${amps} ${t}000`,
        ),
      );
    }
  });

  it("has every point once", () => {
    expect(pointsOf(stream)).toBe(2 * 3 * 5);
    const identities = stream.flatMap(({ lines }) => lines.map((line) => line.replace(/ .* /, " ")));
    expect(new Set(identities).size).toBe(30);
  });
});

it("names the script that installs Telegraf where there is none", async () => {
  expect(await findTelegraf(join(tmpdir(), "no-such-telegraf"))).toEqual({
    file: null,
    note: expect.stringContaining("bench/peers.sh"),
  });
});
