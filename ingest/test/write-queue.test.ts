import { describe, expect, it } from "vitest";
import { NO_LINES, toBlock } from "../src/line-block.ts";
import type { Line } from "@edgewatt/database";
import { WriteQueue, type Entry, type Write, type WriteQueueOptions } from "../src/write-queue.ts";

/** Writes that are over when the test says so. */
function manualStore() {
  const writes: Write[] = [];
  const done: (() => void)[] = [];
  return {
    writes,
    finish: (index: number) => done[index]?.(),
    store: (write: Write) => {
      writes.push(write);
      texts.set(write, write.lines.lines());
      return new Promise<boolean>((resolve) => done.push(() => resolve(true)));
    },
  };
}

/** Read as soon as the store has it: the buffer is used again afterwards. */
const texts = new WeakMap<Write, Line[]>();

function linesOf(write: Write): Line[] {
  return texts.get(write) ?? [];
}

function open(options: Partial<WriteQueueOptions> & Pick<WriteQueueOptions, "store">): WriteQueue {
  return new WriteQueue({ maxLines: 3, maxWriteSize: 1000, maxInFlight: 4, maxSize: 1000, ...options });
}

function entry(seq: number, lines: readonly Line[]): Entry {
  return { block: toBlock(lines), batch: { device: "pi-1", stream: "power", boot: 1, seq } };
}

describe("WriteQueue", () => {
  it("closes a write at its number of lines and keeps a batch in one piece", () => {
    const { writes, store } = manualStore();
    const queue = open({ store });
    queue.add(entry(0, ["a", "b"]));
    expect(writes).toEqual([]);
    queue.add(entry(1, ["c", "d"]));
    expect(writes).toMatchObject([{ batches: [{ seq: 0 }, { seq: 1 }] }]);
    expect(writes.map(linesOf)).toEqual([["a", "b", "c", "d"]]);
  });

  it("closes a write at its size, before a batch that would exceed it", () => {
    const { writes, store } = manualStore();
    const queue = open({ store, maxLines: 100, maxWriteSize: 10 });
    queue.add(entry(0, ["12345"]));
    queue.add(entry(1, ["1234"]));
    expect(writes.map(({ size }) => size)).toEqual([6]);
    queue.add(entry(2, ["1234"]));
    expect(writes.map(linesOf)).toEqual([["12345"], ["1234", "1234"]]);
    queue.add(entry(3, ["é".repeat(25)]));
    expect(writes.map(({ size }) => size)).toEqual([6, 10, 51]);
  });

  it("has only so many writes under way, and starts the next when one is over", async () => {
    const { writes, finish, store } = manualStore();
    const queue = open({ store, maxLines: 1, maxInFlight: 2 });
    for (const seq of [0, 1, 2]) queue.add(entry(seq, [`line ${seq}`]));
    expect(writes).toHaveLength(2);
    expect([queue.batches, queue.inFlight, queue.size]).toEqual([3, 2, 21]);
    finish(0);
    await expect.poll(() => writes.length).toBe(3);
    expect(queue.batches).toBe(2);
    const drained = queue.drain();
    finish(1);
    finish(2);
    await drained;
    expect([queue.batches, queue.inFlight, queue.size]).toEqual([0, 0, 0]);
  });

  it("goes on gathering when its age is over while no write can start", async () => {
    const { writes, finish, store } = manualStore();
    const queue = open({ store, maxLines: 100, maxInFlight: 1 });
    queue.add(entry(0, ["a"]));
    queue.flush();
    queue.add(entry(1, ["b"]));
    queue.flush();
    queue.add(entry(2, ["c"]));
    queue.flush();
    finish(0);
    await expect.poll(() => queue.inFlight).toBe(0);
    queue.flush();
    expect(writes.map(linesOf)).toEqual([["a"], ["b", "c"]]);
  });

  it("takes nothing beyond its memory, says so, and says when half of it is free", async () => {
    const { finish, store } = manualStore();
    const said: boolean[] = [];
    const queue = open({ store, maxLines: 1, maxInFlight: 1, maxSize: 10, onFull: (full) => said.push(full) });
    expect(queue.add(entry(0, ["123"]))).toBe(true);
    expect(queue.add(entry(1, ["123"]))).toBe(true);
    expect(queue.add(entry(2, ["12"]))).toBe(false);
    expect(queue.add(entry(3, ["12"]))).toBe(false);
    expect(queue.batches).toBe(2);
    expect(said).toEqual([true]);
    finish(0);
    await expect.poll(() => said).toEqual([true, false]);
    expect(queue.add(entry(2, ["12"]))).toBe(true);
  });

  it("holds a batch once, however often it is sent meanwhile", async () => {
    const { writes, finish, store } = manualStore();
    const queue = open({ store, maxLines: 1, maxInFlight: 1 });
    for (const seq of [0, 1, 0, 1]) expect(queue.add(entry(seq, ["a"]))).toBe(true);
    expect([queue.batches, queue.size]).toEqual([2, 4]);
    finish(0);
    await expect.poll(() => writes.length).toBe(2);
    // That one is over: what is sent again now may have missed its acknowledgement.
    queue.add(entry(0, ["a"]));
    expect(queue.batches).toBe(2);
  });

  it("passes on a batch without lines, and one that cannot be read", () => {
    const { writes, store } = manualStore();
    const queue = open({ store });
    queue.add(entry(0, []));
    const letter = {
      id: { device: "pi-1", stream: "power", boot: 1, seq: 1 },
      code: "invalid",
      reason: "?",
      payload: "{}",
    } as const;
    queue.add({ block: NO_LINES, batch: letter.id, letter });
    queue.flush();
    expect(writes).toMatchObject([{ batches: [{ seq: 0 }, { seq: 1 }], letters: [letter], size: 2 }]);
  });
});
