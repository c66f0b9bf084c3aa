import { decodeMessage, MAX_TELEMETRY_BYTES } from "@edgewatt/protocol";
import { describe, expect, it } from "vitest";
import { Batcher, type Draft } from "../../src/telemetry/batcher.ts";
import { encodeDraft } from "../../src/telemetry/encode.ts";

function encode(draft: Draft) {
  let seq = 0;
  const batches = encodeDraft(draft, { boot: 3, sync: true, job: "J", offsetUs: 1_000_000, nextSeq: () => seq++ });
  return batches.map((batch) => ({ batch, message: decodeMessage("telemetry", Buffer.from(batch.payload)) }));
}

describe("batches", () => {
  it("are columns: constants once, what varies as cells, what is missing not at all", () => {
    const batcher = new Batcher();
    batcher.add("power", "main", 100, { w: 2, v: null, source: "estimate", run: null });
    batcher.add("power", "main", 200, { w: 3, v: null, source: "estimate", run: "J/0" });
    const [draft] = batcher.take();
    if (draft === undefined) throw new RangeError("no draft");
    const [batch] = encode(draft);
    expect(batch?.message).toEqual({
      v: 1,
      boot: 3,
      seq: 0,
      sync: true,
      job: "J",
      ch: { main: { t0: 1_000_100, dt: [0, 100], w: [2, 3], source: "estimate", run: [null, "J/0"] } },
    });
    expect(batch?.batch.points).toBe(2);
    expect(batcher.take()).toEqual([]);
  });

  it("never give two rows of a channel one time, within and across batches", () => {
    const batcher = new Batcher();
    for (const tUs of [10, 10, 9.6]) batcher.add("system", "system", tUs, { load1: 1 });
    const [first] = batcher.take();
    batcher.add("system", "system", 5, { load1: 1 });
    const [second] = batcher.take();
    expect(first?.channels[0]?.tUs).toEqual([10, 11, 12]);
    expect(second?.channels[0]?.tUs).toEqual([13]);
  });

  it("are split where one would be too large, and lose nothing", () => {
    const batcher = new Batcher();
    for (let i = 0; i < 20_000; i++) {
      batcher.add("inference", "inference/m/fp32", i * 1000, { latencyMs: i / 7, model: "m", precision: "fp32" });
      if (i % 2 === 0) batcher.add("inference", "inference/m/int8", i * 1000, { latencyMs: i / 3, model: "m" });
    }
    const [draft] = batcher.take();
    if (draft === undefined) throw new RangeError("no draft");
    const batches = encode(draft);
    expect(batches.length).toBeGreaterThan(1);
    expect(batches.map(({ batch }) => batch.seq)).toEqual([...batches.keys()]);
    expect(Math.max(...batches.map(({ batch }) => Buffer.byteLength(batch.payload)))).toBeLessThanOrEqual(
      MAX_TELEMETRY_BYTES,
    );
    const times = batches.flatMap(({ message }) => {
      const channel = message.ch["inference/m/fp32"];
      return channel === undefined ? [] : channel.dt.map((dt) => channel.t0 + dt);
    });
    expect(times).toEqual(Array.from({ length: 20_000 }, (_, i) => 1_000_000 + i * 1000));
    expect(batches.reduce((sum, { batch }) => sum + batch.points, 0)).toBe(30_000);
  });
});
