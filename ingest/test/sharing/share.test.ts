import { describe, expect, it } from "vitest";
import { createLogger } from "@edgewatt/runtime";
import { Share } from "../../src/sharing/share.ts";

const log = createLogger({ name: "test", level: "silent" });
const devices = Array.from({ length: 200 }, (_, n) => `pi-${n}`);

describe("Share", () => {
  it("is the whole fleet for an instance that knows of no other", () => {
    const share = new Share("one", log);
    expect(devices.every((device) => share.owns(device))).toBe(true);
  });

  it("is one instance's for each device, and the same in the eyes of all", () => {
    const ids = ["one", "two", "three"];
    const shares = ids.map((id) => {
      const share = new Share(id, log);
      share.setOthers(ids.filter((other) => other !== id).toReversed());
      return share;
    });
    for (const device of devices) expect(shares.filter((share) => share.owns(device))).toHaveLength(1);
    for (const share of shares) expect(devices.some((device) => share.owns(device))).toBe(true);
  });

  it("follows those that come and go", () => {
    const share = new Share("one", log);
    const owned = () => devices.filter((device) => share.owns(device)).length;
    expect(share.setOthers(["two"])).toBe(true);
    expect(share.setOthers(["two"])).toBe(false);
    const half = owned();
    share.setOthers(["three", "two"]);
    const third = owned();
    share.setOthers([]);
    expect(third).toBeLessThan(half);
    expect(owned()).toBe(200);
  });
});
