import { statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { expect, it } from "vitest";
import { DiskWatch, freeDiskBytes } from "../src/disk-space.ts";
import { createLogger } from "../src/logger.ts";
import { ManualClock } from "../src/manual-clock.ts";

const log = createLogger({ name: "test", level: "silent" });
const watch = (reserveBytes: number, clock = new ManualClock(), dir = tmpdir()) =>
  DiskWatch.start({ dir, reserveBytes, consequence: "uploads are refused", log, clock });

it("asks the file system itself", async () => {
  const { bsize, blocks } = await statfs(tmpdir());
  const free = await freeDiskBytes(tmpdir());
  expect(free).toBeGreaterThan(0);
  expect(free).toBeLessThanOrEqual(bsize * blocks);
});

it("takes a file system that does not tell its size for one without end", async () => {
  expect((await statfs("/proc")).blocks).toBe(0);
  expect(await freeDiskBytes("/proc")).toBe(Infinity);
});

it("says what stops while there is less than the reserve, and nothing while there is more", async () => {
  using low = await watch(1e18);
  expect(low.reason).toMatch(/less than the reserve of 1000000000000 MB free: uploads are refused; free space on it$/);
  const heard: (string | undefined)[] = [];
  low.onChange((reason) => heard.push(reason));
  expect(heard).toEqual([low.reason]);
  using high = await watch(1);
  expect(high.reason).toBeUndefined();
});

it("does not call a disk low that it cannot ask", async () => {
  using unknown = await watch(1e18, new ManualClock(), "/nowhere/at/all");
  expect(unknown.reason).toBeUndefined();
});
