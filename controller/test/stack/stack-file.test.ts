import { writeFile } from "node:fs/promises";
import path from "node:path";
import { tempDir } from "@edgewatt/testing";
import { describe, expect, it } from "vitest";
import { readStackFile, removeStackFile, writeStackFile } from "../../src/stack/stack-file.ts";

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

  it("counts for nothing when a killed stack left it, whose process id is another's now", async () => {
    await using dir = await tempDir();
    const left = { ...ready(dir.path), pid: process.pid, startTicks: "1" };
    await writeFile(path.join(dir.path, "stack.json"), JSON.stringify(left));
    expect(await readStackFile(dir.path)).toBeUndefined();
  });
});
