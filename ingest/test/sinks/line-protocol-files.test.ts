import { appendFile, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { ManualClock } from "@edgewatt/runtime";
import { tempDir } from "@edgewatt/testing";
import { LineProtocolFiles } from "../../src/sinks/line-protocol-files.ts";
import { bufferOf } from "../line-blocks.ts";
import { T0 } from "../power-batches.ts";

const DAY_MS = 86_400_000;

describe("LineProtocolFiles", () => {
  it("appends lines with ns timestamps to one file per UTC day", async () => {
    await using dir = await tempDir();
    const clock = new ManualClock(T0);
    const files = new LineProtocolFiles(path.join(dir.path, "telemetry"), clock);
    await Promise.all([files.write(bufferOf(["a w=1 1", "a w=2 2"])), files.write(bufferOf(["a w=3 3"]))]);
    await clock.advance(DAY_MS);
    await files.write(bufferOf(["a w=4 4"]));
    await files.close();
    expect(await readFile(path.join(dir.path, "telemetry/2023-11-14.lp"), "utf8")).toBe(
      "a w=1 1000\na w=2 2000\na w=3 3000\n",
    );
    expect(await readFile(path.join(dir.path, "telemetry/2023-11-15.lp"), "utf8")).toBe("a w=4 4000\n");
  });

  it.each([
    ["half a line", "a w=1 1000\n", "a w=2 2"],
    ["no whole line", "", "a w=2 2"],
    ["more than a read's worth of it", "a w=1 1000\n", "x".repeat(200_000)],
  ])("drops what a crash left: %s", async (_, kept, torn) => {
    await using dir = await tempDir();
    const file = path.join(dir.path, "2023-11-14.lp");
    await writeFile(file, kept);
    await appendFile(file, torn);
    const files = new LineProtocolFiles(dir.path, new ManualClock(T0));
    await files.write(bufferOf(["a w=3 3"]));
    await files.close();
    expect(await readFile(file, "utf8")).toBe(`${kept}a w=3 3000\n`);
  });

  it("says that nothing is stored when the folder cannot be made, and works once it can", async () => {
    await using dir = await tempDir();
    const files = new LineProtocolFiles(path.join(dir.path, "file/telemetry"), new ManualClock(T0));
    await writeFile(path.join(dir.path, "file"), "in the way");
    await expect(files.write(bufferOf(["a w=1 1"]))).rejects.toMatchObject({
      name: "SinkError",
      code: "file",
      retryable: true,
    });
    await rm(path.join(dir.path, "file"));
    expect(await files.write(bufferOf(["a w=1 1"]))).toEqual([]);
    await files.close();
  });
});
