import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { tempDir } from "@edgewatt/testing";
import { describe, expect, it } from "vitest";
import { lockFolder } from "../src/folder-lock.ts";
import { identityOf, isAlive } from "../src/process-identity.ts";

async function deadProcess() {
  const child = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60_000)"]);
  await once(child, "spawn");
  const identity = identityOf(child.pid ?? 0);
  expect(isAlive(identity)).toBe(true);
  child.kill("SIGKILL");
  await once(child, "exit");
  return identity;
}

describe("the lock of a data folder", () => {
  it("lets one stack in, and the next one after it", async () => {
    await using dir = await tempDir();
    const lock = await lockFolder(dir.path, "stack");
    await expect(lockFolder(dir.path, "stack")).rejects.toMatchObject({ code: "data-in-use" });
    await lock.release();
    const next = await lockFolder(dir.path, "stack");
    await next.release();
    expect(await readdir(dir.path)).toEqual([]);
  });

  it("is not taken from a stack that is about to write its name into it", async () => {
    await using dir = await tempDir();
    const file = path.join(dir.path, "stack.lock");
    await writeFile(file, "");
    setTimeout(() => writeFileSync(file, JSON.stringify(identityOf(process.pid))), 50);
    await expect(lockFolder(dir.path, "stack")).rejects.toMatchObject({ code: "data-in-use" });
  });

  it("is taken over from a process that was killed", async () => {
    await using dir = await tempDir();
    await writeFile(path.join(dir.path, "stack.lock"), JSON.stringify(await deadProcess()));
    await expect(lockFolder(dir.path, "stack")).resolves.toBeDefined();
  });

  it("is taken over when the process id belongs to another process now", async () => {
    await using dir = await tempDir();
    await writeFile(path.join(dir.path, "stack.lock"), JSON.stringify({ pid: process.pid, startTicks: "1" }));
    await expect(lockFolder(dir.path, "stack")).resolves.toBeDefined();
  });

  it("is taken over when a crash cut its file short", async () => {
    await using dir = await tempDir();
    await writeFile(path.join(dir.path, "stack.lock"), '{"pid":');
    await expect(lockFolder(dir.path, "stack")).resolves.toBeDefined();
  });

  it("is taken over after the machine has started again, though the same process id is in use", async () => {
    await using dir = await tempDir();
    const before = { ...identityOf(process.pid), bootId: "another boot" };
    await writeFile(path.join(dir.path, "stack.lock"), JSON.stringify(before));
    await expect(lockFolder(dir.path, "stack")).resolves.toBeDefined();
  });

  it("is waited for as long as the one before may take to end", async () => {
    await using dir = await tempDir();
    const first = await lockFolder(dir.path, "agent");
    await expect(lockFolder(dir.path, "agent", { waitMs: 300 })).rejects.toMatchObject({ code: "data-in-use" });
    const waiting = lockFolder(dir.path, "agent", { waitMs: 60_000 });
    await first.release();
    await (await waiting).release();
    const again = await lockFolder(dir.path, "agent");
    await expect(lockFolder(dir.path, "agent", { waitMs: 60_000, signal: AbortSignal.abort() })).rejects.toThrow(
      /abort/i,
    );
    await again.release();
  });

  it("is had by all that wait for it, one after the other", async () => {
    await using dir = await tempDir();
    let inside = 0;
    let most = 0;
    const visit = async (): Promise<void> => {
      const lock = await lockFolder(dir.path, "registry", { waitMs: 60_000 });
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
      await lock.release();
    };
    await Promise.all(Array.from({ length: 8 }, visit));
    expect(most).toBe(1);
  });

  it("is held for each role on its own", async () => {
    await using dir = await tempDir();
    await lockFolder(dir.path, "stack");
    await expect(lockFolder(dir.path, "ingest")).resolves.toBeDefined();
    await expect(lockFolder(dir.path, "ingest")).rejects.toThrow(/in use by the ingest with process id \d+/);
  });
});
