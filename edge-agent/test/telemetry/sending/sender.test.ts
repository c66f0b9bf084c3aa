import { describe, expect, it } from "vitest";
import { SenderRig } from "./sender-rig.ts";

describe("Sender", () => {
  it("publishes a new batch at once, and once", async () => {
    const rig = new SenderRig();
    for (let i = 0; i < 5; i++) {
      await rig.add();
      expect(rig.seqs.at(-1)).toBe(i);
    }
    await rig.clock.advance(20_000);
    expect(rig.seqs).toEqual([0, 1, 2, 3, 4]);
    expect(rig.sender.counts).toEqual({ sent: 5, resent: 0, acknowledged: 0 });
  });

  it("never has more than 16 at the broker, and leaves four places to what is new", async () => {
    const rig = new SenderRig();
    rig.answers = false;
    await rig.store(100);
    rig.sender.resend();
    await rig.clock.advance(2000);
    expect(rig.published).toHaveLength(12);
    for (let i = 0; i < 10; i++) await rig.add();
    expect(rig.seqs.slice(12)).toEqual([100, 101, 102, 103]);
    for (const { settle } of rig.published.slice(0, 4)) settle();
    await rig.clock.advance(0);
    expect(rig.seqs.slice(16)).toEqual([104, 105, 106, 107]);
  });

  it("sends a backlog newest first, at a rate that leaves the way free, and each batch once", async () => {
    const rig = new SenderRig();
    await rig.store(2000);
    rig.sender.resend();
    for (let ms = 0; ms < 30_000; ms += 100) {
      await rig.clock.advance(100);
      const due = rig.published.filter(({ seq }) => rig.spool.batches > 0 && seq >= 0);
      for (const { seq } of due.slice(-40)) rig.ack(seq);
    }
    expect(rig.spool.batches).toBe(0);
    expect(rig.seqs).toEqual(Array.from({ length: 2000 }, (_, i) => 1999 - i));
    const lastMs = rig.published.at(-1)?.atMs ?? 0;
    // 128 a second: forty times three batches a second.
    expect(2000 / (lastMs / 1000)).toBeGreaterThan(100);
    expect(2000 / (lastMs / 1000)).toBeLessThan(140);
  });

  it("waits with the backlog for acknowledgements, and not with what is new", async () => {
    const rig = new SenderRig();
    await rig.store(500);
    rig.sender.resend();
    await rig.clock.advance(10_000);
    const backlog = rig.published.length;
    expect(backlog).toBeLessThan(64);
    const seq = await rig.add();
    expect(rig.seqs.at(-1)).toBe(seq);
    rig.ack(490, 499);
    await rig.clock.advance(1000);
    expect(rig.published).toHaveLength(backlog + 11);
  });

  it("sends again after 30 s what was not acknowledged, while an ingest is online", async () => {
    const rig = new SenderRig();
    await rig.add();
    await rig.add();
    rig.ack(0);
    await rig.clock.advance(29_000);
    rig.sender.kick();
    await rig.clock.advance(0);
    expect(rig.seqs).toEqual([0, 1]);
    rig.online = false;
    await rig.clock.advance(10_000);
    rig.sender.kick();
    await rig.clock.advance(0);
    expect(rig.seqs).toEqual([0, 1]);
    rig.online = true;
    rig.sender.kick();
    await rig.clock.advance(0);
    expect(rig.seqs).toEqual([0, 1, 1]);
    expect(rig.sender.counts.resent).toBe(1);
    await rig.clock.advance(29_000);
    rig.sender.kick();
    await rig.clock.advance(0);
    expect(rig.seqs).toEqual([0, 1, 1]);
  });

  it("publishes nothing while the broker is away, and all that was missed after that", async () => {
    const rig = new SenderRig();
    rig.connected = false;
    for (let i = 0; i < 30; i++) await rig.add();
    expect(rig.published).toEqual([]);
    rig.connected = true;
    rig.sender.resend();
    await rig.clock.advance(3000);
    expect(rig.seqs).toEqual(Array.from({ length: 30 }, (_, i) => 29 - i));
  });

  it("keeps a backlog until an ingest is there", async () => {
    const rig = new SenderRig();
    rig.online = false;
    await rig.store(10);
    rig.sender.resend();
    await rig.add();
    await rig.clock.advance(60_000);
    expect(rig.seqs).toEqual([10]);
    rig.online = true;
    rig.sender.resend();
    await rig.clock.advance(1000);
    expect(rig.seqs).toEqual([10, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
  });

  it("sends once more what was on its way when an ingest came", async () => {
    const rig = new SenderRig();
    rig.answers = false;
    rig.online = false;
    await rig.add();
    rig.online = true;
    rig.sender.resend();
    rig.published[0]?.settle();
    await rig.clock.advance(1000);
    expect(rig.seqs).toEqual([0, 0]);
  });

  it("is silent while paused, and sends what gathered after that", async () => {
    const rig = new SenderRig();
    await rig.store(40);
    rig.sender.resend();
    rig.sender.pause(true);
    await rig.clock.advance(0);
    const before = rig.published.length;
    for (let i = 0; i < 20; i++) await rig.add();
    await rig.clock.advance(60_000);
    expect(rig.published.length).toBe(before);
    rig.sender.pause(false);
    for (let i = 0; i < 30; i++) {
      await rig.clock.advance(100);
      for (const seq of rig.seqs) rig.ack(seq);
    }
    expect(new Set(rig.seqs).size).toBe(60);
    expect(rig.spool.batches).toBe(0);
  });

  it("tries again what the connection lost on its way", async () => {
    const rig = new SenderRig();
    rig.answers = false;
    await rig.add();
    rig.published[0]?.settle(new Error("closed"));
    await rig.clock.advance(0);
    expect(rig.sender.counts.sent).toBe(0);
    rig.sender.kick();
    await rig.clock.advance(100);
    expect(rig.seqs).toEqual([0, 0]);
  });

  it("walks over a large spool once, however many acknowledgements come", async () => {
    const rig = new SenderRig();
    await rig.store(20_000);
    let steps = 0;
    const walk = rig.spool.newestFirst.bind(rig.spool);
    rig.spool.newestFirst = function* counted() {
      for (const batch of walk()) {
        steps += 1;
        yield batch;
      }
    };
    rig.sender.resend();
    for (let i = 0; i < 200; i++) {
      await rig.clock.advance(100);
      rig.ack(0, 20_000 - rig.published.length);
      for (const { seq } of rig.published.slice(-20)) rig.ack(seq);
    }
    expect(steps).toBeLessThanOrEqual(20_000);
  });
});
