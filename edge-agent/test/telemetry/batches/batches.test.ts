import { decodeMessage, MAX_TELEMETRY_BYTES } from "@edgewatt/protocol";
import { describe, expect, it } from "vitest";
import { Batcher, type Draft } from "../../../src/telemetry/batches/batcher.ts";
import { freeze } from "../../../src/telemetry/batches/freeze.ts";

function encode(draft: Draft, seq = 0) {
  const payload = freeze(draft, { boot: 3, seq, sync: true, job: "J", offsetUs: 1_700_000_000_000_000 });
  return { payload, message: decodeMessage("telemetry", Buffer.from(payload)) };
}

function takeOne(batcher: Batcher): Draft {
  const [draft, ...more] = batcher.take();
  if (draft === undefined || more.length > 0) throw new RangeError("not one draft");
  return draft;
}

describe("batches", () => {
  it("are columns: constants once, what varies as cells, what is missing not at all", () => {
    const batcher = new Batcher();
    batcher.add("power", "main", 100, { w: 2, v: null, source: "estimate", run: null });
    batcher.add("power", "main", 200, { w: 3, v: null, source: "estimate", run: "J/0" });
    batcher.add("power", "main", 300, { w: 3, source: "estimate", wMax: 7 });
    const draft = takeOne(batcher);
    expect(encode(draft).message).toEqual({
      v: 1,
      boot: 3,
      seq: 0,
      sync: true,
      job: "J",
      ch: {
        main: {
          t0: 1_700_000_000_000_100,
          dt: [0, 100, 200],
          w: [2, 3, 3],
          source: "estimate",
          run: [null, "J/0", null],
          wMax: [null, null, 7],
        },
      },
    });
    expect(draft.points).toBe(3);
    expect(batcher.take()).toEqual([]);
  });

  it("take blocks as they take rows, figures rounded to micro-units", () => {
    const batcher = new Batcher();
    const tUs = Float64Array.of(1000.2, 2000.4, 3000.6);
    const w = Float64Array.of(1 / 3, 2.0000004, -0.1);
    const v = Float64Array.of(Number.NaN, Number.NaN, Number.NaN);
    batcher.addBlock("power", "main", { tUs, columns: { w, v, source: "ina219", run: [null, "J/0", "J/0"] } });
    batcher.add("power", "main", 4000, { w: 1, source: "ina219" });
    const { ch } = takeOne(batcher);
    expect(ch).toEqual({
      main: {
        t0: 1000,
        dt: [0, 1000, 2001, 3000],
        w: [0.333333, 2, -0.1, 1],
        source: "ina219",
        run: [null, "J/0", "J/0", null],
      },
    });
  });

  it("never give two rows of a channel one time, within and across batches", () => {
    const batcher = new Batcher();
    for (const tUs of [10, 10, 9.6]) batcher.add("system", "system", tUs, { load1: 1 });
    expect(takeOne(batcher).ch["system"]).toMatchObject({ t0: 10, dt: [0, 1, 2] });
    batcher.add("system", "system", 5, { load1: 1 });
    expect(takeOne(batcher).ch["system"]).toMatchObject({ t0: 13, dt: [0] });
  });

  it("are split where one would be too large, and lose nothing", () => {
    const batcher = new Batcher();
    for (let i = 0; i < 20_000; i++) {
      batcher.add("inference", "inference/m/fp32", i * 1000, { latencyMs: i / 7, model: "m", precision: "fp32" });
      if (i % 2 === 0) batcher.add("inference", "inference/m/int8", i * 1000, { latencyMs: i / 3, model: "m" });
    }
    const drafts = batcher.take();
    const batches = drafts.map((draft, seq) => encode(draft, seq));
    expect(batches.length).toBeGreaterThan(1);
    expect(Math.max(...batches.map(({ payload }) => Buffer.byteLength(payload)))).toBeLessThanOrEqual(
      MAX_TELEMETRY_BYTES,
    );
    const rows = batches.flatMap(({ message }) => {
      const channel = message.ch["inference/m/fp32"];
      const latencies = channel?.["latencyMs"];
      if (channel === undefined || !Array.isArray(latencies)) return [];
      return channel.dt.map((dt, i) => [channel.t0 + dt, latencies[i]]);
    });
    expect(rows).toEqual(Array.from({ length: 20_000 }, (_, i) => [1_700_000_000_000_000 + i * 1000, i / 7]));
    expect(drafts.reduce((sum, { points }) => sum + points, 0)).toBe(30_000);
  });
});
