import { expect, it } from "vitest";
import { meetMeter } from "../../src/operations/meet-meter.ts";
import type { ChannelState } from "../../src/sampler/sampler.ts";

const OPENING: ChannelState = {
  channel: "main",
  meter: "main",
  source: "pmic",
  rateHz: 10,
  accumulates: false,
  described: undefined,
  isOpening: true,
  fault: "the meter is being opened",
};

/** A meter of which something is heard after so long, on a clock that waiting moves. */
function meterHeardAfter(ms: number, heard: Partial<ChannelState>) {
  let nowMs = 0;
  const clock = {
    nowUs: () => nowMs * 1000,
    monotonicUs: () => nowMs * 1000,
    sleep: async (duration: number, signal?: AbortSignal) => {
      signal?.throwIfAborted();
      nowMs += duration;
    },
    setInterval: () => ({ [Symbol.dispose]() {} }),
  };
  const channel = () => (nowMs < ms ? OPENING : { ...OPENING, isOpening: false, ...heard });
  return { bench: { power: OPENING, clock, sampler: { channel } }, waitedMs: () => nowMs };
}

const { signal } = new AbortController();

it("waits until the meter is opened, and no longer", async () => {
  const described = { settings: {}, limits: null, averagingUs: 100_000 };
  const { bench, waitedMs } = meterHeardAfter(420, { described, fault: undefined });
  expect(await meetMeter(bench, { signal })).toMatchObject({ described, isOpening: false });
  expect(waitedMs()).toBe(450);
});

it("does not wait for a meter that has said why it is not there, nor for ever for one that says nothing", async () => {
  const faulty = meterHeardAfter(0, { fault: "no chip answers" });
  expect(await meetMeter(faulty.bench, { signal })).toMatchObject({ fault: "no chip answers" });
  expect(faulty.waitedMs()).toBe(0);
  const mute = meterHeardAfter(Infinity, {});
  expect(await meetMeter(mute.bench, { signal })).toBe(OPENING);
  expect(mute.waitedMs()).toBe(5000);
});

it("ends with the job", async () => {
  const { bench } = meterHeardAfter(Infinity, {});
  await expect(meetMeter(bench, { signal: AbortSignal.abort(new Error("canceled")) })).rejects.toThrow("canceled");
});
