import { describe, expect, it } from "vitest";
import type { ServiceStatus } from "@edgewatt/protocol";
import { ManualClock } from "@edgewatt/runtime";
import { Instances, STALE_MS } from "../../src/sharing/instances.ts";
import { HEARTBEAT_MS } from "../../src/status.ts";

function status(clock: ManualClock, state: ServiceStatus["state"], epoch = 5, ageMs = 0): ServiceStatus {
  return { v: 1, state, epoch, ts: Math.floor(clock.nowUs() / 1000) - ageMs };
}

describe("Instances", () => {
  it("counts those that are online or hold, and not those that ended", () => {
    const clock = new ManualClock();
    const instances = new Instances(clock);
    instances.observe("one", status(clock, "online"), false);
    instances.observe("two", status(clock, "holding"), false);
    instances.observe("three", status(clock, "offline"), false);
    expect(instances.live()).toEqual(["one", "two"]);
    instances.observe("one", status(clock, "offline"), false);
    instances.observe("two", undefined, false);
    expect(instances.live()).toEqual([]);
  });

  it("forgets one that is silent, although it never said goodbye, and knows it again by its word", async () => {
    const clock = new ManualClock();
    const instances = new Instances(clock);
    expect(STALE_MS).toBeGreaterThan(2 * HEARTBEAT_MS);
    instances.observe("one", status(clock, "online"), false);
    await clock.advance(STALE_MS - 1);
    expect(instances.live()).toEqual(["one"]);
    await clock.advance(1);
    expect(instances.live()).toEqual([]);
    instances.observe("one", status(clock, "online"), false);
    expect(instances.live()).toEqual(["one"]);
  });

  it("takes a stored word for as old as it says, and a fresh one as fresh whatever clock its sender has", () => {
    const clock = new ManualClock();
    const instances = new Instances(clock);
    instances.observe("dead", status(clock, "online", 5, STALE_MS), true);
    instances.observe("quiet", status(clock, "online", 5, STALE_MS - 1), true);
    instances.observe("ahead", status(clock, "online", 5, -3_600_000), true);
    instances.observe("behind", status(clock, "online", 5, 3_600_000), false);
    expect(instances.live()).toEqual(["quiet", "ahead", "behind"]);
  });

  it("ignores the late will of an earlier run", () => {
    const clock = new ManualClock();
    const instances = new Instances(clock);
    instances.observe("one", status(clock, "online", 7), false);
    instances.observe("one", status(clock, "offline", 6), false);
    expect(instances.live()).toEqual(["one"]);
    instances.observe("one", status(clock, "offline", 7), false);
    expect(instances.live()).toEqual([]);
    instances.observe("one", status(clock, "holding", 8), false);
    expect(instances.live()).toEqual(["one"]);
  });
});
