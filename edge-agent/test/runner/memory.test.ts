import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { tempDir } from "@edgewatt/testing";
import { expect, it } from "vitest";
import { peakMemoryMb, proportionalMemoryMb, resetPeakMemory } from "../../src/runner/memory.ts";

it("reads the kernel's figures, and asks it to let the peak begin anew", async () => {
  await using root = await tempDir();
  const folder = path.join(root.path, "proc", "self");
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, "status"), "Name:\tnode\nVmHWM:\t  100000 kB\nVmRSS:\t   90000 kB\n");
  await writeFile(
    path.join(folder, "smaps_rollup"),
    "55d0-7ffc ---p 0 0:0 0 [rollup]\nRss: 90000 kB\nPss:  80000 kB\n",
  );
  await writeFile(path.join(folder, "clear_refs"), "");
  expect(peakMemoryMb(root.path)).toBeCloseTo(102.4, 9);
  expect(proportionalMemoryMb(root.path)).toBeCloseTo(81.92, 9);
  resetPeakMemory(root.path);
  expect(await readFile(path.join(folder, "clear_refs"), "latin1")).toBe("5");
});

it("is content where the kernel tells or allows nothing", () => {
  expect(proportionalMemoryMb("/nowhere")).toBeNull();
  expect(peakMemoryMb("/nowhere")).toBeNaN();
  expect(() => resetPeakMemory("/nowhere")).not.toThrow();
});

it("agrees with what this process takes", () => {
  const before = peakMemoryMb();
  const bytes = Buffer.alloc(64_000_000, 1);
  expect(peakMemoryMb()).toBeGreaterThan(before);
  const residentMb = process.memoryUsage.rss() / 1e6;
  expect(peakMemoryMb()).toBeGreaterThan(residentMb * 0.95);
  expect(proportionalMemoryMb() ?? 0).toBeGreaterThan(bytes.length / 1e6);
  expect(proportionalMemoryMb() ?? Infinity).toBeLessThan(residentMb * 1.1);
});
