import { execFileSync } from "node:child_process";
import { readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { eventually, mountSmallDisk, startBroker, tempDir } from "@edgewatt/testing";
import { expect, it } from "vitest";
import { Observer, startAgent } from "./agent-rig.ts";

const DEVICE = "pi-disk";

async function mayMount(): Promise<boolean> {
  await using dir = await tempDir();
  const disk = mountSmallDisk(dir.path);
  disk?.[Symbol.dispose]();
  return disk !== undefined;
}

/** Leaves no byte free. */
async function fill(file: string): Promise<void> {
  for (const bytes of [1_000_000, 4096, 512, 1]) {
    await writeFile(file, Buffer.alloc(bytes), { flag: "a" }).catch(() => {});
  }
}

it.skipIf(!(await mayMount()))("starts on a disk that is full, or read-only, and tells that as a fault", async () => {
  await using dir = await tempDir();
  using disk = mountSmallDisk(dir.path);
  expect(disk).toBeDefined();
  const broker = await startBroker();
  const observer = await Observer.connect(broker.url);
  const options = { broker: broker.url, device: DEVICE, data: dir.path };
  await (await startAgent(options)).stop();
  const filler = path.join(dir.path, "filler");
  let boot = observer.info.get(DEVICE)?.boot ?? 0;
  try {
    for (const [code, begin] of [
      ["ENOSPC", () => fill(filler)],
      ["EROFS", async () => void execFileSync("mount", ["-o", "remount,ro", dir.path])],
    ] as const) {
      await begin();
      observer.batches.length = 0;
      const agent = await startAgent(options);
      try {
        await eventually(() =>
          expect(observer.info.get(DEVICE)?.faults).toEqual([
            { code: "spool", message: expect.stringContaining(`(${code})`) },
          ]),
        );
        // Above the one before, though that could not be written either.
        expect(observer.info.get(DEVICE)?.boot).toBe(++boot);
        await eventually(() => expect(observer.batches.some(({ batch }) => batch.boot === boot)).toBe(true));
        if (code === "EROFS") {
          execFileSync("mount", ["-o", "remount,rw", dir.path]);
          await eventually(() => expect(observer.info.get(DEVICE)?.faults).toBeUndefined());
        }
      } finally {
        await agent.stop();
      }
      await rm(filler, { force: true });
    }
    const kept = await readdir(path.join(dir.path, `agent-${DEVICE}`, "spool"));
    expect(kept.filter((name) => name.endsWith(".seg"))).not.toEqual([]);
  } finally {
    await observer.close();
    await broker.stop();
  }
});
