import { mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { ManualClock } from "@edgewatt/runtime";
import { mountSmallDisk, tempDir } from "@edgewatt/testing";
import { describe, expect, it, vi } from "vitest";
import { DiskRig } from "./disk-rig.ts";
import { lostOf, seqs } from "./spool-contract.ts";
import { spooledBatch } from "./spooled-batch.ts";

/** A small disk in a temporary folder, where this process may mount one. */
async function mounted(kilobytes: number) {
  const dir = await tempDir();
  const disk = mountSmallDisk(dir.path, kilobytes);
  const dispose = async () => {
    disk?.[Symbol.dispose]();
    await dir[Symbol.asyncDispose]();
  };
  return { mayMount: disk !== undefined, path: dir.path, disk, [Symbol.asyncDispose]: dispose };
}

const probe = await mounted(64);
const { mayMount } = probe;
await probe[Symbol.asyncDispose]();

describe.skipIf(!mayMount)("a spool on a disk of its own (needs root)", () => {
  it("keeps in memory what a full disk refuses, and moves it there in order when there is room", async () => {
    await using rig = await DiskRig.create();
    await using disk = await mounted(256);
    const error = vi.spyOn(rig.log, "error");
    const clock = new ManualClock();
    const dir = path.join(disk.path, "spool");
    await writeFile(path.join(disk.path, "other"), Buffer.alloc(180_000));
    const spool = await rig.open({ dir, clock });
    for (let seq = 0; seq < 100; seq++) {
      await spool.append(spooledBatch(seq, { points: 100 }));
      await clock.advance(500);
    }
    expect(spool.disk).toEqual({ state: "failed", code: "ENOSPC" });
    expect(error).toHaveBeenCalledTimes(1);
    expect(seqs(spool)).toEqual(Array.from({ length: 100 }, (_, i) => 99 - i));
    // What a kill would leave: no part of a record.
    const killed = await rig.open({ dir, clock });
    expect(killed.cutBytes).toBe(0);
    expect(killed.batches).toBeGreaterThan(10);
    expect(killed.batches).toBeLessThan(100);

    await rm(path.join(disk.path, "other"));
    await clock.advance(5000);
    await spool.append(spooledBatch(100, { points: 100 }));
    expect(spool.disk).toEqual({ state: "ok" });
    const later = await rig.open({ dir, clock });
    expect(seqs(later)).toEqual(Array.from({ length: 101 }, (_, i) => 100 - i));
    expect(lostOf(later)).toEqual({});
    for (const open of [spool, killed, later]) await open.close();
  });

  it("goes on in memory on a read-only disk, gives back what is there, and returns to it", async () => {
    await using rig = await DiskRig.create();
    await using disk = await mounted(1024);
    const clock = new ManualClock();
    const dir = path.join(disk.path, "spool");
    const before = await rig.open({ dir, clock });
    await before.append(spooledBatch(0));
    await before.append(spooledBatch(1));
    await before.close();
    disk.disk?.remount("ro");
    const spool = await rig.open({ dir, clock });
    await spool.append(spooledBatch(0, { boot: 2 }));
    expect(spool.disk).toEqual({ state: "failed", code: "EROFS" });
    expect(seqs(spool)).toEqual([0, 1, 0]);
    expect(await spool.read({ boot: 1, stream: "power", seq: 1 })).toBe(spooledBatch(1).payload);
    spool.acknowledge("power", { v: 1, boot: 1, ranges: [[0, 1]] });
    disk.disk?.remount("rw");
    await clock.advance(5000);
    // Even if all that memory held is acknowledged by now.
    spool.acknowledge("power", { v: 1, boot: 2, ranges: [[0, 0]] });
    await spool.append(spooledBatch(1, { boot: 2 }));
    expect(spool.disk).toEqual({ state: "ok" });
    expect(seqs(await rig.open({ dir, clock }))[0]).toBe(1);
    await spool.close();
  });
});

it("drops the oldest from memory too, and tells it, where there is no disk at all", async () => {
  await using rig = await DiskRig.create();
  const clock = new ManualClock();
  // A file in the place of the folder: nobody can write there, root included.
  await mkdir(path.dirname(rig.dir), { recursive: true });
  await writeFile(rig.dir, "");
  const error = vi.spyOn(rig.log, "error");
  const spool = await rig.open({ capBytes: 10_000, clock });
  for (let seq = 0; seq < 200; seq++) await spool.append(spooledBatch(seq));
  expect(spool.disk).toEqual({ state: "failed", code: expect.stringMatching(/^E[A-Z]+$/) });
  expect(error.mock.calls.length).toBeLessThan(4);
  expect(spool.bytes).toBeLessThanOrEqual(10_000);
  expect(lostOf(spool)).toEqual({ power: 5 * (200 - spool.batches) });
  await rm(rig.dir);
  await clock.advance(5000);
  await spool.append(spooledBatch(200));
  // The folder is still missing; making it is part of trying again.
  expect(spool.disk).toEqual({ state: "ok" });
  await spool.close();
});
