import { describe, expect, it } from "vitest";
import type { DeviceStatus } from "../src/index.ts";
import { isOlderConnection, newestStatus, presenceOf, STALE_AFTER_MS } from "../src/liveness.ts";

function status(over: Partial<DeviceStatus> = {}): DeviceStatus {
  return { v: 1, state: "online", boot: 3, conn: 2, ts: 0, ...over };
}

describe("a status", () => {
  it.each([
    [{ boot: 2, conn: 9 }, true],
    [{ boot: 3, conn: 1 }, true],
    [{ boot: 3, conn: 2 }, false],
    [{ boot: 3, conn: 3 }, false],
    [{ boot: 4, conn: 1 }, false],
  ])("of %o is of an earlier connection than (3, 2): %s", (connection, older) => {
    expect(isOlderConnection(connection, { boot: 3, conn: 2 })).toBe(older);
  });

  it("that says offline for an earlier connection is ignored; one of the same or a later is not", () => {
    const online = status();
    expect(newestStatus(undefined, online)).toBe(online);
    expect(newestStatus(online, status({ state: "offline", conn: 1 }))).toBe(online);
    const gone = status({ state: "offline" });
    expect(newestStatus(online, gone)).toBe(gone);
    const back = status({ boot: 4, conn: 1 });
    expect(newestStatus(gone, back)).toBe(back);
  });
});

describe("a device", () => {
  const nowMs = 1_000_000;
  const silentMs = (ms: number) => ({ heardMs: nowMs - ms, nowMs });

  it("is offline when it says so or has never said anything", () => {
    expect(presenceOf(undefined, silentMs(0))).toBe("offline");
    expect(presenceOf(status({ state: "offline" }), silentMs(0))).toBe("offline");
  });

  it("is stale after half a minute of silence", () => {
    expect(presenceOf(status(), silentMs(STALE_AFTER_MS))).toBe("online");
    expect(presenceOf(status(), silentMs(STALE_AFTER_MS + 1))).toBe("stale");
  });

  it("is not stale in a silence that it has announced, nor right after it", () => {
    const ahead = status({ measuringUntil: nowMs + 5000 });
    expect(presenceOf(ahead, silentMs(600_000))).toBe("online");
    const over = status({ measuringUntil: nowMs - 5000 });
    expect(presenceOf(over, silentMs(600_000))).toBe("online");
    const longOver = status({ measuringUntil: nowMs - STALE_AFTER_MS - 1 });
    expect(presenceOf(longOver, silentMs(600_000))).toBe("stale");
  });
});
