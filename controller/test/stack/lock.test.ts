import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { tempDir } from "@edgewatt/testing";
import { describe, expect, it } from "vitest";
import { lockDataDir } from "../../src/stack/lock.ts";
import { identityOf, isAlive } from "../../src/stack/process-identity.ts";
import { readStackFile, removeStackFile, writeStackFile } from "../../src/stack/stack-file.ts";

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
    const lock = await lockDataDir(dir.path);
    await expect(lockDataDir(dir.path)).rejects.toMatchObject({ code: "data-in-use" });
    await lock.release();
    const next = await lockDataDir(dir.path);
    await next.release();
    expect(await readdir(dir.path)).toEqual([]);
  });

  it("is not taken from a stack that is about to write its name into it", async () => {
    await using dir = await tempDir();
    const file = path.join(dir.path, "stack.lock");
    await writeFile(file, "");
    setTimeout(() => writeFileSync(file, JSON.stringify(identityOf(process.pid))), 50);
    await expect(lockDataDir(dir.path)).rejects.toMatchObject({ code: "data-in-use" });
  });

  it("is taken over from a process that was killed", async () => {
    await using dir = await tempDir();
    await writeFile(path.join(dir.path, "stack.lock"), JSON.stringify(await deadProcess()));
    await expect(lockDataDir(dir.path)).resolves.toBeDefined();
  });

  it("is taken over when the process id belongs to another process now", async () => {
    await using dir = await tempDir();
    await writeFile(path.join(dir.path, "stack.lock"), JSON.stringify({ pid: process.pid, startTicks: "1" }));
    await expect(lockDataDir(dir.path)).resolves.toBeDefined();
  });

  it("is taken over when a crash cut its file short", async () => {
    await using dir = await tempDir();
    await writeFile(path.join(dir.path, "stack.lock"), '{"pid":');
    await expect(lockDataDir(dir.path)).resolves.toBeDefined();
  });
});

describe("stack.json", () => {
  const ready = (data: string) => ({
    mqtt: "mqtt://127.0.0.1:1",
    hub: "http://127.0.0.1:2",
    influx: null,
    data,
    device: "pi",
  });

  it("is found as long as its process lives", async () => {
    await using dir = await tempDir();
    expect(await readStackFile(dir.path)).toBeUndefined();
    await writeStackFile(ready(dir.path));
    expect(await readStackFile(dir.path)).toEqual(ready(dir.path));
    await removeStackFile(dir.path);
    expect(await readStackFile(dir.path)).toBeUndefined();
  });

  it.each(['{"mq', '{"v":2}'])("that holds %s is refused with what to do", async (content) => {
    await using dir = await tempDir();
    await writeFile(path.join(dir.path, "stack.json"), content);
    await expect(readStackFile(dir.path)).rejects.toThrow(/stack\.json is damaged or of another version: .*remove/);
  });

  it("counts for nothing when a killed stack left it", async () => {
    await using dir = await tempDir();
    const left = { ...ready(dir.path), ...(await deadProcess()) };
    await writeFile(path.join(dir.path, "stack.json"), JSON.stringify(left));
    expect(await readStackFile(dir.path)).toBeUndefined();
  });
});
