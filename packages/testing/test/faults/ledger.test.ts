import { beforeEach, describe, expect, it } from "vitest";
import { Ledger } from "../../src/faults/ledger.ts";
import type { Point, TakenBatch } from "../../src/faults/points.ts";
import { takenBatch } from "./batches.ts";

/** Beyond all times of the batches here. */
const LATER_US = 1_000_000_000_000;

describe("Ledger", () => {
  let spooled: TakenBatch[];
  let stored: Point[];
  let ledger: Ledger;

  const take = (...batches: TakenBatch[]) => spooled.push(...batches);
  const store = (...batches: TakenBatch[]) => stored.push(...batches.flatMap(({ points }) => points));
  const numbers = () => ledger.open.map(({ seq }) => seq);

  beforeEach(() => {
    spooled = [];
    stored = [];
    ledger = new Ledger(
      () => spooled.splice(0),
      async (fromUs, toUs) =>
        new Map(stored.filter(({ tUs }) => tUs >= fromUs && tUs <= toUs).map((point) => [point.id, point])),
    );
  });

  it("knows what the database does not have yet", async () => {
    take(takenBatch(0), takenBatch(1));
    store(takenBatch(0));
    expect(await ledger.compare()).toEqual([]);
    expect(numbers()).toEqual([1]);
    expect(ledger.total).toBe(4);
    store(takenBatch(1));
    expect(await ledger.compare()).toEqual([]);
    expect(numbers()).toEqual([]);
  });

  it("tells the points that are lost, those of a half stored batch too", async () => {
    take(takenBatch(0), takenBatch(1));
    store(takenBatch(0));
    stored.push(...takenBatch(1).points.slice(1));
    await ledger.compare();
    const lost = await ledger.abandon(performance.now());
    expect(lost.map(({ kind, point }) => [kind, point.tUs])).toEqual([["lost", 1_001_000]]);
    expect(await ledger.settleAll(LATER_US)).toEqual([]);
  });

  it("tells a point that is stored but was never taken, once", async () => {
    take(takenBatch(0), takenBatch(2));
    store(takenBatch(0), takenBatch(1), takenBatch(2));
    const differences = await ledger.compare();
    expect(differences.map(({ kind, point }) => [kind, point.tUs])).toEqual([
      ["doubled", 1_001_000],
      ["doubled", 1_001_100],
    ]);
    expect(await ledger.settleAll(LATER_US)).toEqual([]);
  });

  it("tells a point whose values are not those that were taken", async () => {
    take(takenBatch(0));
    store(takenBatch(0, { watts: 6 }));
    expect((await ledger.compare()).map(({ kind }) => kind)).toEqual(["changed", "changed"]);
  });

  it("looks once more at the end, both ways", async () => {
    take(takenBatch(0), takenBatch(1));
    store(takenBatch(0), takenBatch(1));
    await ledger.compare();
    stored = stored.slice(1);
    store(takenBatch(7));
    const differences = await ledger.settleAll(LATER_US);
    expect(differences.map(({ kind, point }) => [kind, point.tUs])).toEqual([
      ["doubled", 1_007_000],
      ["doubled", 1_007_100],
      ["lost", 1_000_000],
    ]);
  });

  it("settles what is old, and does not take it for unknown afterwards", async () => {
    take(takenBatch(0));
    store(takenBatch(0));
    await ledger.compare();
    expect(await ledger.settle(LATER_US)).toEqual([]);
    take(takenBatch(1));
    store(takenBatch(1));
    expect(await ledger.compare()).toEqual([]);
  });

  it("counts what was published as taken, and tells when it was never on disk", async () => {
    take({ ...takenBatch(0), from: "wire" }, takenBatch(0), { ...takenBatch(1), from: "wire" });
    store(takenBatch(0), takenBatch(1));
    expect(await ledger.compare()).toEqual([]);
    expect(ledger.total).toBe(4);
    expect(ledger.takeUnspooled()).toEqual(["pi-1/1/power/1"]);
    expect(ledger.takeUnspooled()).toEqual([]);
  });

  it("tells a hole in the numbers of a boot, and a number of two batches", () => {
    take(takenBatch(0), takenBatch(2), takenBatch(0, { boot: 2 }), takenBatch(0, { boot: 2, watts: 9 }));
    ledger.follow();
    expect(ledger.takeFaults()).toEqual([
      "pi-1/2/power: number 0 was used twice",
      expect.stringContaining("two points are power,"),
      expect.stringContaining("two points are power,"),
      "pi-1/1/power: no batch has number 1",
    ]);
  });
});
