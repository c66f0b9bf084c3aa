import { decodeMessage, type Stream } from "@edgewatt/protocol";
import { describe, expect, it } from "vitest";
import { pointsOf } from "../../src/telemetry/spool/lost-points.ts";
import type { BatchName } from "../../src/telemetry/spool/spool.ts";
import { TelemetryRig } from "./telemetry-rig.ts";

describe("Telemetry", () => {
  it("closes a batch of each stream every 500 ms and numbers them without gaps", async () => {
    const rig = await TelemetryRig.start();
    const { clock, telemetry } = rig;
    for (let i = 0; i < 10; i++) {
      telemetry.record("power", "main", clock.monotonicUs(), { w: i });
      if (i % 5 === 0) telemetry.record("system", "system", clock.monotonicUs(), { load1: i });
      await clock.advance(100);
    }
    await telemetry.stop();
    expect(rig.told().map(({ stream, batch }) => `${stream} ${batch.seq}`)).toEqual([
      "power 0",
      "system 0",
      "power 1",
      "system 1",
    ]);
    expect(rig.told().every(({ batch }) => batch.sync)).toBe(true);
    expect(telemetry.counts).toEqual({ batches: 4, points: 12 });
    expect(rig.spool.batches).toBe(4);
  });

  it("holds batches for a synchronized clock, and stamps them by it", async () => {
    const rig = await TelemetryRig.start({ sync: false });
    rig.telemetry.record("power", "main", rig.clock.monotonicUs(), { w: 1 });
    await rig.clock.advance(60_000);
    expect(rig.told()).toEqual([]);
    rig.sync = true;
    await rig.clock.advance(500);
    await rig.telemetry.stop();
    expect(rig.told()[0]?.batch).toMatchObject({ seq: 0, sync: true });
  });

  it("gives up alone, and tells as a gap, a row that no batch can hold", async () => {
    const rig = await TelemetryRig.start();
    const { clock, telemetry } = rig;
    telemetry.record("event", "run_event", clock.monotonicUs(), { text: "too long ".repeat(8000) });
    telemetry.record("power", "main", clock.monotonicUs(), { w: 1 });
    await clock.advance(500);
    telemetry.record("event", "run_event", clock.monotonicUs(), { text: "short" });
    await clock.advance(500);
    await telemetry.stop();
    const told = rig.told().map(({ stream, batch: { seq, ch } }) => [stream, seq, Object.keys(ch)]);
    expect(told).toEqual([
      ["power", 0, ["main"]],
      ["event", 0, ["gap/event"]],
      ["event", 1, ["run_event"]],
    ]);
    expect(rig.told()[1]?.batch.ch["gap/event"]).toMatchObject({ lost: [1] });
  });

  it("gives up waiting after ten minutes and says so", async () => {
    const rig = await TelemetryRig.start({ sync: false });
    rig.telemetry.record("power", "main", rig.clock.monotonicUs(), { w: 1 });
    await rig.clock.advance(599_000);
    expect(rig.told()).toEqual([]);
    await rig.clock.advance(2000);
    await rig.telemetry.stop();
    expect(rig.told()[0]?.batch.sync).toBe(false);
  });

  it("tells every dropped point in measurement gap, and again where what told it was dropped itself", async () => {
    const rig = await TelemetryRig.start({ capBytes: 4000 });
    for (let i = 0; i < 200; i++) {
      rig.telemetry.record("power", "main", rig.clock.monotonicUs(), { w: i });
      await rig.clock.advance(500);
    }
    await rig.telemetry.settle();
    await rig.telemetry.stop();
    let kept = 0;
    let lost = rig.spool.gaps.pending.reduce((sum, gap) => sum + gap.lost, 0);
    for (const { stream, payload, points } of rig.offered) {
      if ((await rig.spool.read(identify(stream, payload))) === undefined) continue;
      if (stream === "power") kept += points;
      for (const [of, lostPoints] of stream === "event" ? pointsOf(stream, payload) : []) {
        expect(of).toBe("power");
        lost += lostPoints;
      }
    }
    expect(lost).toBeGreaterThan(100);
    expect(lost + kept).toBe(200);
  });
});

function identify(stream: Stream, payload: string): BatchName {
  const { boot, seq } = decodeMessage("telemetry", Buffer.from(payload));
  return { stream, boot, seq };
}
