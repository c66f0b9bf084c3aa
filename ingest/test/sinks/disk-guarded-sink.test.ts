import { readdir } from "node:fs/promises";
import { createLogger, DiskWatch, ManualClock } from "@edgewatt/runtime";
import { tempDir } from "@edgewatt/testing";
import { expect, it } from "vitest";
import { DeadLetters } from "../../src/dead-letters.ts";
import { DiskGuardedSink } from "../../src/sinks/disk-guarded-sink.ts";
import { LineProtocolFiles } from "../../src/sinks/line-protocol-files.ts";
import { bufferOf } from "../line-blocks.ts";

const log = createLogger({ name: "test", level: "silent" });

async function open(dir: string, reserveBytes: number): Promise<DiskGuardedSink> {
  const clock = new ManualClock();
  const disk = await DiskWatch.start({ dir, reserveBytes, consequence: "telemetry is held by the agents", log, clock });
  return new DiskGuardedSink(new LineProtocolFiles(dir, clock), disk);
}

it("writes while there is room, and holds with a reason while there is less than the reserve", async () => {
  await using dir = await tempDir();
  const low = await open(dir.path, 1e18);
  await expect(low.write(bufferOf(["power watts=1 1"]))).rejects.toMatchObject({
    code: "disk-low",
    retryable: true,
    message: expect.stringMatching(/telemetry is held by the agents/),
  });
  expect(await readdir(dir.path)).toEqual([]);
  await low.close();
  const high = await open(dir.path, 0);
  expect(await high.write(bufferOf(["power watts=1 1"]))).toEqual([]);
  expect(await readdir(dir.path)).toEqual(["2023-11-14.lp"]);
  await high.close();
});

it("keeps dead letters off a disk that has less than the reserve too, and needs no room where there are none", async () => {
  await using dir = await tempDir();
  const refusals = [{ reason: "400: no", lines: ["power watts=1 1"] }];
  const disk: { reason: string | undefined } = { reason: "the disk is low" };
  const letters = new DeadLetters(dir.path, { clock: new ManualClock(), disk });
  await expect(letters.append(refusals, [])).rejects.toMatchObject({ code: "disk-low", retryable: true });
  await letters.append([], []);
  expect(await readdir(dir.path)).toEqual([]);
  disk.reason = undefined;
  await letters.append(refusals, []);
  expect(await readdir(dir.path)).toEqual(["2023-11-14.lp"]);
  await letters.close();
});
