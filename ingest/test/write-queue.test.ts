import { describe, expect, it } from "vitest";
import { WriteQueue, type Write } from "../src/write-queue.ts";

/** A store in which each write lasts until it is finished by hand. */
function manualStore(): { writes: Write[]; finish: (index: number) => void; store: (write: Write) => Promise<void> } {
  const writes: Write[] = [];
  const done: (() => void)[] = [];
  return {
    writes,
    finish: (index) => done[index]?.(),
    store: (write) => {
      writes.push(write);
      return new Promise((resolve) => done.push(resolve));
    },
  };
}

const id = (seq: number) => ({ device: "pi-1", stream: "power", boot: 1, seq }) as const;

describe("WriteQueue", () => {
  it("closes a write at its number of lines and keeps a batch in one piece", () => {
    const { writes, store } = manualStore();
    const queue = new WriteQueue({ maxLines: 3, maxInFlight: 4, maxSize: 1000, store });
    queue.add(["a", "b"], id(0));
    expect(writes).toEqual([]);
    queue.add(["c", "d"], id(1));
    expect(writes).toMatchObject([{ lines: ["a", "b", "c", "d"], batches: [{ seq: 0 }, { seq: 1 }] }]);
  });

  it("has only so many writes under way, and starts the next when one is over", async () => {
    const { writes, finish, store } = manualStore();
    const queue = new WriteQueue({ maxLines: 1, maxInFlight: 2, maxSize: 1000, store });
    for (const seq of [0, 1, 2]) queue.add([`line ${seq}`], id(seq));
    expect(writes).toHaveLength(2);
    expect(queue.batches).toBe(3);
    finish(0);
    await expect.poll(() => writes.length).toBe(3);
    expect(queue.batches).toBe(2);
    const drained = queue.drain();
    finish(1);
    finish(2);
    await drained;
    expect(queue.batches).toBe(0);
  });

  it("takes nothing beyond its memory until some of it is stored", async () => {
    const { finish, store } = manualStore();
    const queue = new WriteQueue({ maxLines: 1, maxInFlight: 1, maxSize: 10, store });
    expect(queue.add(["12345678"], id(0))).toBe(true);
    expect(queue.add(["123"], id(1))).toBe(false);
    expect(queue.batches).toBe(1);
    finish(0);
    await expect.poll(() => queue.add(["123"], id(1))).toBe(true);
  });

  it("passes on a batch without lines, which is stored as soon as it is read", () => {
    const { writes, store } = manualStore();
    const queue = new WriteQueue({ maxLines: 3, maxInFlight: 1, maxSize: 10, store });
    queue.add([], id(0));
    queue.flush();
    expect(writes).toMatchObject([{ lines: [], batches: [{ seq: 0 }] }]);
  });
});
