import type { Stream } from "@edgewatt/protocol";
import { expect, it } from "vitest";
import type { BatchName, Spool } from "../../../src/telemetry/spool/spool.ts";
import { spooledBatch } from "./spooled-batch.ts";

export function held(spool: Spool): BatchName[] {
  const walk = spool.newestFirst();
  const found: BatchName[] = [];
  for (let next = walk.next(); next.done !== true; next = walk.next()) found.push(next.value);
  return found;
}

export function seqs(spool: Spool): number[] {
  return held(spool).map(({ seq }) => seq);
}

/** What the ledger of gaps tells, by stream. */
export function lostOf(spool: Spool): Partial<Record<Stream, number>> {
  const lost: Partial<Record<Stream, number>> = {};
  for (const gap of spool.gaps.pending) lost[gap.stream] = (lost[gap.stream] ?? 0) + gap.lost;
  return lost;
}

/** What every spool must do; `open` gives an empty one that takes about `capBytes`. */
export function spoolContract(open: (capBytes: number) => Promise<Spool>): void {
  it("keeps batches until they are acknowledged, newest first", async () => {
    const spool = await open(1e6);
    for (let seq = 0; seq < 5; seq++) await spool.append(spooledBatch(seq));
    expect(seqs(spool)).toEqual([4, 3, 2, 1, 0]);
    const ranges: [number, number][] = [
      [0, 1],
      [3, 3],
    ];
    expect(spool.acknowledge("power", { v: 1, boot: 1, ranges }).map(({ seq }) => seq)).toEqual([0, 1, 3]);
    expect(spool.acknowledge("power", { v: 1, boot: 1, ranges })).toEqual([]);
    expect(seqs(spool)).toEqual([4, 2]);
    expect(spool.batches).toBe(2);
    expect(spool.gaps.pending).toEqual([]);
    await spool.close();
  });

  it("gives back what is published, as long as it is held", async () => {
    const spool = await open(1e6);
    const batches = [spooledBatch(0), spooledBatch(0, { stream: "system" }), spooledBatch(7, { boot: 3, points: 200 })];
    for (const batch of batches) await spool.append(batch);
    for (const batch of batches) expect(await spool.read(batch)).toBe(batch.payload);
    spool.acknowledge("system", { v: 1, boot: 1, ranges: [[0, 0]] });
    expect(await spool.read({ boot: 1, stream: "system", seq: 0 })).toBeUndefined();
    expect(await spool.read({ boot: 2, stream: "power", seq: 0 })).toBeUndefined();
    await spool.close();
  });

  it("heeds boot and stream of an acknowledgement, and is not troubled by strange ranges", async () => {
    const spool = await open(1e6);
    await spool.append(spooledBatch(0));
    await spool.append(spooledBatch(0, { stream: "system" }));
    await spool.append(spooledBatch(0, { boot: 2 }));
    const everything: [number, number][] = [[0, Number.MAX_SAFE_INTEGER]];
    expect(spool.acknowledge("power", { v: 1, boot: 1, ranges: everything })).toHaveLength(1);
    expect(spool.acknowledge("power", { v: 1, boot: 7, ranges: everything })).toEqual([]);
    expect(held(spool).map(({ boot, stream }) => `${boot} ${stream}`)).toEqual(["2 power", "1 system"]);
    await spool.close();
  });

  it("lets a walk meet what is removed and appended meanwhile", async () => {
    const spool = await open(1e6);
    for (let seq = 0; seq < 4; seq++) await spool.append(spooledBatch(seq));
    const walk = spool.newestFirst();
    expect(walk.next().value?.seq).toBe(3);
    spool.acknowledge("power", { v: 1, boot: 1, ranges: [[1, 2]] });
    await spool.append(spooledBatch(4));
    expect(walk.next().value?.seq).toBe(0);
    expect(walk.next().done).toBe(true);
    await spool.close();
  });

  it("drops the oldest over its cap, counts every point of it, and keeps the newest", async () => {
    const capBytes = 20_000;
    const spool = await open(capBytes);
    const points = { system: 2, power: 0 };
    await spool.append(spooledBatch(0, { stream: "system", points: 2 }));
    for (let seq = 0; seq < 200; seq++) {
      await spool.append(spooledBatch(seq));
      points.power += 5;
      expect(spool.bytes).toBeLessThanOrEqual(capBytes);
    }
    const kept = seqs(spool);
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, i) => 199 - i));
    expect(kept.length * 200).toBeGreaterThan(capBytes / 2);
    expect(lostOf(spool)).toEqual({ system: 2, power: points.power - 5 * kept.length });
    expect(spool.gaps.droppedPoints).toBe(2 + points.power - 5 * kept.length);
    await spool.close();
  });

  it("tells each gap at a time of its own, until it is settled", async () => {
    const spool = await open(2000);
    for (let seq = 0; seq < 60; seq++) await spool.append(spooledBatch(seq));
    const told = [...spool.gaps.pending];
    expect(new Set(told.map(({ atUs }) => atUs)).size).toBe(told.length);
    for (let seq = 60; seq < 100; seq++) await spool.append(spooledBatch(seq));
    await spool.gaps.settle(told);
    expect(spool.gaps.pending.length).toBeGreaterThan(0);
    expect(spool.gaps.pending.some((gap) => told.includes(gap))).toBe(false);
    await spool.close();
  });
}
