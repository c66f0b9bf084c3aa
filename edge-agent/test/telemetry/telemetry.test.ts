import { decodeMessage } from "@edgewatt/protocol";
import { createLogger, ManualClock } from "@edgewatt/runtime";
import { describe, expect, it } from "vitest";
import { MemorySpool } from "../../src/telemetry/memory-spool.ts";
import { Telemetry } from "../../src/telemetry/telemetry.ts";

const log = createLogger({ name: "test", level: "silent" });

function start(options: { sync?: boolean; capBytes?: number } = {}) {
  const clock = new ManualClock();
  const spool = new MemorySpool(options.capBytes ?? 1e6);
  const state = { sync: options.sync ?? true };
  const telemetry = new Telemetry({
    boot: 1,
    spool,
    sender: { kick: () => {} },
    clock,
    log,
    clockSynchronized: () => state.sync,
  });
  const messages = () =>
    [...spool.newestFirst()].toReversed().map(({ payload }) => decodeMessage("telemetry", Buffer.from(payload)));
  return { clock, spool, telemetry, state, messages };
}

describe("Telemetry", () => {
  it("closes a batch of each stream every 500 ms and numbers them without gaps", async () => {
    const { clock, telemetry, messages } = start();
    for (let i = 0; i < 10; i++) {
      telemetry.record("power", "main", clock.monotonicUs(), { w: i });
      if (i % 5 === 0) telemetry.record("system", "system", clock.monotonicUs(), { load1: i });
      await clock.advance(100);
    }
    await telemetry.stop();
    expect(messages().map(({ seq, ch }) => `${Object.keys(ch)[0]} ${seq}`)).toEqual([
      "main 0",
      "system 0",
      "main 1",
      "system 1",
    ]);
    expect(messages().every(({ sync }) => sync)).toBe(true);
  });

  it("holds batches for a synchronized clock, and stamps them by it", async () => {
    const { clock, telemetry, state, messages } = start({ sync: false });
    telemetry.record("power", "main", clock.monotonicUs(), { w: 1 });
    await clock.advance(60_000);
    expect(messages()).toEqual([]);
    state.sync = true;
    await clock.advance(500);
    await telemetry.stop();
    expect(messages()[0]).toMatchObject({ seq: 0, sync: true });
  });

  it("gives up waiting after ten minutes and says so", async () => {
    const { clock, telemetry, messages } = start({ sync: false });
    telemetry.record("power", "main", clock.monotonicUs(), { w: 1 });
    await clock.advance(599_000);
    expect(messages()).toEqual([]);
    await clock.advance(2000);
    await telemetry.stop();
    expect(messages()[0]?.sync).toBe(false);
  });

  it("records what was dropped as points of measurement gap", async () => {
    const { clock, telemetry, messages } = start({ capBytes: 2000 });
    for (let i = 0; i < 60; i++) {
      telemetry.record("power", "main", clock.monotonicUs(), { w: i });
      await clock.advance(500);
    }
    await telemetry.stop();
    const gaps = messages().flatMap(({ ch }) => Object.entries(ch).filter(([key]) => key === "gap/power"));
    expect(gaps.length).toBeGreaterThan(0);
    expect(gaps[0]?.[1]["stream"]).toBe("power");
    expect(Number(gaps[0]?.[1]["lost"])).toBeGreaterThan(0);
  });
});
