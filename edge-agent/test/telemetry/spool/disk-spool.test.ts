import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { ManualClock } from "@edgewatt/runtime";
import { crc32c } from "@node-rs/crc32";
import { eventually } from "@edgewatt/testing";
import { describe, expect, it } from "vitest";
import { DiskRig } from "./disk-rig.ts";
import { held, lostOf, seqs, spoolContract } from "./spool-contract.ts";
import { spooledBatch } from "./spooled-batch.ts";

describe("DiskSpool", () => {
  spoolContract(async (capBytes) => {
    const rig = await DiskRig.create();
    return rig.open({ capBytes });
  });

  it("has a batch in its file when it is appended, in the format that is fixed", async () => {
    await using rig = await DiskRig.create();
    const spool = await rig.open();
    const batch = spooledBatch(3, { stream: "system", boot: 9 });
    await spool.append(batch);
    const [[name, data] = ["", Buffer.alloc(0)]] = await rig.files();
    const payload = data.subarray(8);
    expect(name).toBe("0000000000.seg");
    expect(data.readUInt32LE(0)).toBe(payload.length);
    expect(data.readUInt32LE(4)).toBe(crc32c(payload));
    expect(payload.toString()).toBe(`system\n${batch.payload}`);
  });

  it("takes over what a process left that was killed, under its own boot, and goes on in a new file", async () => {
    await using rig = await DiskRig.create();
    const before = await rig.open();
    for (let seq = 0; seq < 3; seq++) await before.append(spooledBatch(seq));
    const after = await rig.open();
    await after.append(spooledBatch(0, { boot: 2 }));
    expect(seqs(after)).toEqual([0, 2, 1, 0]);
    expect(await after.read({ boot: 1, stream: "power", seq: 2 })).toBe(spooledBatch(2).payload);
    expect([...(await rig.files()).keys()]).toEqual(["0000000000.seg", "0000000001.seg"]);
    expect(after.cutBytes).toBe(0);
    expect(before.newestBoot).toBe(1);
    expect((await rig.open()).newestBoot).toBe(2);
  });

  it("removes a file when all its batches are acknowledged", async () => {
    await using rig = await DiskRig.create();
    const spool = await rig.open({ capBytes: 16_000 });
    for (let seq = 0; seq < 30; seq++) await spool.append(spooledBatch(seq));
    const all = await rig.files();
    expect(all.size).toBeGreaterThan(2);
    spool.acknowledge("power", { v: 1, boot: 1, ranges: [[0, 28]] });
    await eventually(async () => expect([...(await rig.files()).keys()]).toEqual([[...all.keys()].at(-1)]));
    expect(seqs(spool)).toEqual([29]);
    spool.acknowledge("power", { v: 1, boot: 1, ranges: [[29, 29]] });
    await spool.close();
    expect((await rig.files()).size).toBe(0);
  });

  it("keeps little of what is acknowledged as it comes", async () => {
    await using rig = await DiskRig.create();
    const spool = await rig.open({ capBytes: 64_000 });
    for (let seq = 0; seq < 300; seq++) {
      await spool.append(spooledBatch(seq));
      spool.acknowledge("power", { v: 1, boot: 1, ranges: [[seq, seq]] });
    }
    await eventually(async () => expect((await rig.files()).size).toBeLessThanOrEqual(1));
    expect(spool.bytes).toBeLessThanOrEqual(8000);
    expect(spool.gaps.pending).toEqual([]);
  });

  it("begins another file before one is larger than 4 MiB", async () => {
    await using rig = await DiskRig.create();
    const spool = await rig.open({ capBytes: 64e6 });
    for (let seq = 0; seq < 450; seq++) await spool.append(spooledBatch(seq, { points: 900 }));
    const sizes = [...(await rig.files()).values()].map(({ length }) => length);
    expect(sizes.length).toBeGreaterThan(1);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(4 * 1024 * 1024);
    expect(Math.max(...sizes)).toBeGreaterThan(4 * 1024 * 1024 - 20_000);
    await spool.close();
  });

  it("remembers across a kill what it dropped, and loses nothing that it did not tell", async () => {
    await using rig = await DiskRig.create();
    const before = await rig.open({ capBytes: 8000 });
    for (let seq = 0; seq < 100; seq++) await before.append(spooledBatch(seq));
    const after = await rig.open({ capBytes: 8000 });
    expect(lostOf(after)).toEqual(lostOf(before));
    expect((lostOf(after).power ?? 0) + 5 * after.batches).toBe(500);
    expect(after.gaps.pending).toEqual(before.gaps.pending);
  });

  it("ends a drop that a kill interrupted: what was told as lost does not come back", async () => {
    await using rig = await DiskRig.create();
    const before = await rig.open();
    await before.append(spooledBatch(0));
    await before.gaps.record(new Map([["power", 5]]), "a test", 0);
    const after = await rig.open();
    expect(after.batches).toBe(0);
    expect(lostOf(after)).toEqual({ power: 5 });
    await after.append(spooledBatch(0, { boot: 2 }));
    // The number is given again, and is not dropped again.
    const later = await rig.open();
    expect(later.batches).toBe(1);
  });

  it("adds what a dropped batch told of a gap to the gap that it is itself", async () => {
    await using rig = await DiskRig.create();
    const spool = await rig.open({ capBytes: 8000 });
    const ch = {
      "gap/power": { t0: 5, dt: [0, 1], stream: "power", lost: [300, 21] },
      run_event: { t0: 5, dt: [0], kind: "window" },
    };
    const payload = JSON.stringify({ v: 1, boot: 1, seq: 0, sync: true, ch });
    await spool.append({ boot: 1, stream: "event", seq: 0, points: 3, payload });
    for (let seq = 0; seq < 100; seq++) await spool.append(spooledBatch(seq));
    const { power = 0, event } = lostOf(spool);
    expect(event).toBe(1);
    expect(power).toBe(321 + 500 - 5 * spool.batches);
  });

  it("tells the age of the oldest batch, across a start too", async () => {
    await using rig = await DiskRig.create();
    const clock = new ManualClock(Date.now() * 1000);
    await clock.advance(50_000);
    const spool = await rig.open({ clock });
    expect(spool.oldestUs).toBeUndefined();
    await spool.append(spooledBatch(0));
    await clock.advance(3000);
    await spool.append(spooledBatch(1));
    expect(spool.oldestUs).toBe(50_000_000);
    spool.acknowledge("power", { v: 1, boot: 1, ranges: [[0, 0]] });
    expect(spool.oldestUs).toBe(53_000_000);
    const later = await rig.open({ clock: new ManualClock((Date.now() + 100_000) * 1000) });
    expect(later.oldestUs).toBeLessThanOrEqual(-90_000_000);
  });

  it("tells as lost what somebody damaged or removed while it was held", async () => {
    await using rig = await DiskRig.create();
    const spool = await rig.open({ capBytes: 16_000 });
    for (let seq = 0; seq < 30; seq++) await spool.append(spooledBatch(seq));
    const [[first = "", data = Buffer.alloc(0)] = [], [second = ""] = []] = await rig.files();
    data[20] = 0;
    await writeFile(path.join(rig.dir, first), data);
    await rm(path.join(rig.dir, second));
    expect(await spool.read({ boot: 1, stream: "power", seq: 0 })).toBeUndefined();
    expect(await spool.read({ boot: 1, stream: "power", seq: 1 })).toBe(spooledBatch(1).payload);
    expect(lostOf(spool)).toEqual({ power: 1 });
    let gone = 0;
    for (const batch of held(spool)) gone += (await spool.read(batch)) === undefined ? 1 : 0;
    expect(gone).toBeGreaterThan(5);
    expect(lostOf(spool)).toEqual({ power: 1 + gone });
    expect(spool.batches).toBe(29 - gone);
    expect(spool.disk).toEqual({ state: "ok" });
  });

  it("gives no number again of which a note may still say that it was dropped", async () => {
    await using rig = await DiskRig.create();
    await mkdir(rig.dir, { recursive: true });
    await writeFile(path.join(rig.dir, "gaps.json"), JSON.stringify({ v: 1, gaps: [], dropping: [3] }));
    const spool = await rig.open();
    await spool.append(spooledBatch(0));
    expect([...(await rig.files()).keys()]).toEqual(["0000000004.seg"]);
  });

  it("leaves files alone that are not its own", async () => {
    await using rig = await DiskRig.create();
    await rig.open();
    const names = ["notes.txt", "00001.seg", "0000000001.seg.bak"];
    for (const name of names) await writeFile(path.join(rig.dir, name), "kept");
    const spool = await rig.open();
    expect(spool.batches).toBe(0);
    expect(await readdir(rig.dir)).toEqual(expect.arrayContaining(names));
  });
});
