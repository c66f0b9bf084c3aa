import { existsSync } from "node:fs";
import { appendFile, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { ManualClock } from "@edgewatt/runtime";
import { eventually, tempDir } from "@edgewatt/testing";
import { describe, expect, it } from "vitest";
import { TelemetryRig } from "../telemetry-rig.ts";

/** 2023, by a clock that nobody has set. */
const WRONG_US = 1_600_000_000_000_000;

async function gather(rig: TelemetryRig, rows: number): Promise<void> {
  for (let i = 0; i < rows; i++) {
    rig.telemetry.record("power", "main", rig.clock.monotonicUs(), { w: i });
    await rig.clock.advance(500);
  }
  await rig.telemetry.settle();
}

describe("batches that wait for the clock when the process is killed", () => {
  it("wait on in the next process, and are stamped by the clock that is right", async () => {
    await using dir = await tempDir();
    const file = path.join(dir.path, "waiting.log");
    const clock = new ManualClock(WRONG_US);
    await clock.advance(10_000);
    const killed = await TelemetryRig.start({ sync: false, file, clock });
    await gather(killed, 4);
    expect(killed.offered).toEqual([]);

    const next = await TelemetryRig.start({ sync: false, file, clock, boot: 2 });
    expect(next.waiting.count).toBe(4);
    await gather(next, 2);
    expect(next.offered).toEqual([]);
    next.sync = true;
    await next.telemetry.settle();
    expect(next.told().map(({ batch }) => [batch.boot, batch.seq, batch.sync])).toEqual(
      Array.from({ length: 6 }, (_, seq) => [2, seq, true]),
    );
    expect(next.times("main")).toEqual(Array.from({ length: 6 }, (_, i) => WRONG_US + 10_000_000 + i * 500_000));
    expect(existsSync(file)).toBe(false);
  });

  it("wait no longer than ten minutes in all", async () => {
    await using dir = await tempDir();
    const file = path.join(dir.path, "waiting.log");
    const clock = new ManualClock(WRONG_US);
    await gather(await TelemetryRig.start({ sync: false, file, clock }), 2);
    await clock.advance(590_000);
    const next = await TelemetryRig.start({ sync: false, file, clock, boot: 2 });
    await clock.advance(20_000);
    await next.telemetry.settle();
    expect(next.told().map(({ batch }) => batch.sync)).toEqual([false, false]);
    expect(existsSync(file)).toBe(false);
  });

  it("go by the clock as it was when they were taken, once the machine has started again", async () => {
    await using dir = await tempDir();
    const file = path.join(dir.path, "waiting.log");
    await gather(await TelemetryRig.start({ sync: false, file, clock: new ManualClock(WRONG_US) }), 2);
    const next = await TelemetryRig.start({ file, kernelBoot: "k2", boot: 2, clock: new ManualClock(WRONG_US + 9e12) });
    await next.telemetry.settle();
    expect(next.told().map(({ batch }) => batch.sync)).toEqual([false, false]);
    expect(next.times("main")).toEqual([WRONG_US, WRONG_US + 500_000]);
  });

  it("keep their times when the process is killed between their stamp and the spool", async () => {
    await using dir = await tempDir();
    const file = path.join(dir.path, "waiting.log");
    const copy = path.join(dir.path, "copy.log");
    const clock = new ManualClock(WRONG_US);
    const killed = await TelemetryRig.start({ sync: false, file, clock });
    await gather(killed, 3);
    await clock.advance(598_000);
    // The first two have waited long enough, and are in the spool; the third waits on.
    await clock.advance(1500);
    await killed.telemetry.settle();
    const written = killed.times("main");
    expect(written.length).toBeGreaterThan(0);
    expect(written.length).toBeLessThan(3);
    await writeFile(copy, await readFile(file));

    const right = new ManualClock(WRONG_US + 7e12);
    await right.advance(clock.monotonicUs() / 1000);
    const next = await TelemetryRig.start({ file: copy, clock: right, boot: 2 });
    await next.telemetry.settle();
    expect(next.told().map(({ batch }) => batch.sync)).toEqual([
      ...written.map(() => false),
      ...Array(3 - written.length).fill(true),
    ]);
    expect(next.times("main").slice(0, written.length)).toEqual(written);
    expect(next.times("main")).toHaveLength(3);
  });

  it("do not fill the disk under a clock that is never synchronized", async () => {
    await using dir = await tempDir();
    const file = path.join(dir.path, "waiting.log");
    const clock = new ManualClock(WRONG_US);
    const killed = await TelemetryRig.start({ sync: false, file, clock, capBytes: 1e9 });
    const bytes: number[] = [];
    for (let minute = 0; minute < 50; minute++) {
      await gather(killed, 120);
      bytes.push((await stat(file)).size);
    }
    const tenMinutes = bytes[9] ?? 0;
    expect(killed.waiting.count).toBeGreaterThan(1000);
    expect(Math.max(...bytes)).toBeLessThan(3 * tenMinutes);
    const told = killed.times("main");

    const next = await TelemetryRig.start({ sync: true, file, clock, boot: 2, capBytes: 1e9 });
    await next.telemetry.settle();
    const all = new Set([...told, ...next.times("main")]);
    expect(all.size).toBe(6000);
    expect(Math.max(...all) - Math.min(...all)).toBe(5999 * 500_000);
  });

  it("are kept up to a torn end of their file", async () => {
    await using dir = await tempDir();
    const file = path.join(dir.path, "waiting.log");
    const clock = new ManualClock(WRONG_US);
    await gather(await TelemetryRig.start({ sync: false, file, clock }), 3);
    await appendFile(file, Buffer.from([200, 0, 0, 0, 1, 2, 3]));
    const next = await TelemetryRig.start({ file, clock, boot: 2 });
    await next.telemetry.settle();
    expect(next.times("main")).toHaveLength(3);
  });
});

it("waits in memory where no file can be written", async () => {
  const rig = await TelemetryRig.start({ sync: false });
  await gather(rig, 3);
  rig.sync = true;
  await eventually(async () => {
    await rig.telemetry.settle();
    expect(rig.times("main")).toHaveLength(3);
  });
});
