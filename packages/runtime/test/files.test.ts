import { createHash } from "node:crypto";
import { readdir, readFile, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { tempDir } from "@edgewatt/testing";
import { describe, expect, it } from "vitest";
import { FileError } from "../src/errors.ts";
import { dataDir, sha256File, writeFileAtomic } from "../src/files.ts";

describe("files", () => {
  it("writes text and bytes, creates folders, and leaves nothing else behind", async () => {
    await using dir = await tempDir();
    const file = path.join(dir.path, "a/b/c.txt");
    await writeFileAtomic(file, "first");
    const view = new Uint8Array([0, 1, 2, 3]).subarray(1, 3);
    await writeFileAtomic(file, view);
    expect([...(await readFile(file))]).toEqual([1, 2]);
    expect(await readdir(path.dirname(file))).toEqual(["c.txt"]);
  });

  it("keeps the old content when it cannot write", async () => {
    await using dir = await tempDir();
    await writeFile(path.join(dir.path, "plain"), "x");
    await expect(writeFileAtomic(path.join(dir.path, "plain/inside"), "y")).rejects.toThrow(FileError);
    expect(await readFile(path.join(dir.path, "plain"), "utf8")).toBe("x");
  });

  it("digests a file as node:crypto does", async () => {
    await using dir = await tempDir();
    const bytes = Buffer.alloc(300_000, "edgewatt");
    await writeFile(path.join(dir.path, "x"), bytes);
    expect(await sha256File(path.join(dir.path, "x"))).toBe(createHash("sha256").update(bytes).digest("hex"));
    await expect(sha256File(path.join(dir.path, "gone"))).rejects.toThrow(/cannot read .*gone \(ENOENT\)/);
  });

  it("says at once that nothing can be made below /proc", async () => {
    await expect(dataDir("/proc/edgewatt/data")).rejects.toThrow(/cannot be written \(ENOENT\): .*--data DIR/);
    await expect(writeFileAtomic("/proc/edgewatt/deep/file", "x")).rejects.toThrow(/cannot write .* \(ENOENT\)/);
  });

  it("makes folders that others make at the same time", async () => {
    await using dir = await tempDir();
    for (let round = 0; round < 20; round++) {
      const names = Array.from({ length: 8 }, (_, i) => path.join(dir.path, `${round}/deep/${i}`));
      expect(await Promise.all(names.map((name) => dataDir(name)))).toEqual(names);
    }
  });

  it("creates a data folder, and names what to do when it cannot", async () => {
    await using dir = await tempDir();
    const wanted = path.join(dir.path, "data/deep");
    expect(await dataDir(wanted)).toBe(wanted);
    expect(await readdir(wanted)).toEqual([]);
    await writeFile(path.join(dir.path, "file"), "");
    await expect(dataDir(path.join(dir.path, "file"))).rejects.toThrow(
      /^data folder .*file cannot be written \(EEXIST\): .*--data DIR$/,
    );
    await symlink("loop", path.join(dir.path, "loop"));
    await expect(dataDir(path.join(dir.path, "loop"))).rejects.toThrow(FileError);
  });
});
