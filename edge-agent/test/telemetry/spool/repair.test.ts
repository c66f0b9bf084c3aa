import { writeFile } from "node:fs/promises";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { batchKey, type BatchName } from "../../../src/telemetry/spool/spool.ts";
import { DiskRig } from "./disk-rig.ts";
import { held } from "./spool-contract.ts";
import { spooledBatch } from "./spooled-batch.ts";

const STREAMS = ["power", "system", "event"] as const;

/** Two segments and where the records of the first begin. */
async function twoSegments(rig: DiskRig): Promise<{ first: Buffer; starts: number[]; names: string[] }> {
  const spool = await rig.open();
  const starts: number[] = [];
  const names: string[] = [];
  let bytes = 0;
  for (let seq = 0; seq < 4; seq++) {
    const batch = spooledBatch(seq, { stream: STREAMS[seq % 3] ?? "power", points: 1 + (seq % 2) });
    await spool.append(batch);
    starts.push(bytes);
    names.push(batchKey(batch));
    bytes = spool.bytes;
  }
  await spool.close();
  const later = await rig.open();
  await later.append(spooledBatch(99, { boot: 2 }));
  await later.close();
  const first = (await rig.files()).get("0000000000.seg") ?? Buffer.alloc(0);
  expect(first.length).toBe(bytes);
  return { first, starts: [...starts, bytes], names };
}

async function reopened(rig: DiskRig, first: Buffer): Promise<{ names: string[]; cutBytes: number }> {
  await writeFile(path.join(rig.dir, "0000000000.seg"), first);
  const spool = await rig.open();
  const names = held(spool).map(batchKey).toReversed();
  for (const batch of held(spool)) expect(await spool.read(batch)).toContain(`"seq":${batch.seq}`);
  const { cutBytes } = spool;
  await spool.close();
  return { names, cutBytes };
}

const LATER = batchKey({ boot: 2, stream: "power", seq: 99 } satisfies BatchName);

describe("a spool whose file was damaged", () => {
  it("keeps all records before a cut, at every byte, and all later files", async () => {
    await using rig = await DiskRig.create();
    const { first, starts, names } = await twoSegments(rig);
    for (let length = 0; length <= first.length; length++) {
      const whole = starts.slice(1).filter((end) => end <= length).length;
      const found = await reopened(rig, first.subarray(0, length));
      expect(found.names).toEqual([...names.slice(0, whole), LATER]);
      expect(found.cutBytes).toBe(length - (starts[whole] ?? 0));
    }
  });

  it("loses only the record that a wrong byte is in, at every byte", async () => {
    await using rig = await DiskRig.create();
    const { first, starts, names } = await twoSegments(rig);
    for (let at = 0; at < first.length; at++) {
      const damaged = Buffer.from(first);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8));
      const hit = starts.slice(1).findIndex((end) => at < end);
      const found = await reopened(rig, damaged);
      expect(found.names).toEqual([...names.filter((_, i) => i !== hit), LATER]);
      expect(found.cutBytes).toBe((starts[hit + 1] ?? 0) - (starts[hit] ?? 0));
    }
  });

  it("finds every record that no damage touches, whatever the damage is, and is sound after that", async () => {
    await using rig = await DiskRig.create();
    const { first, starts, names } = await twoSegments(rig);
    const holes = fc.array(
      fc.record({ at: fc.nat(first.length - 1), bytes: fc.uint8Array({ minLength: 1, maxLength: 300 }) }),
      { minLength: 1, maxLength: 4 },
    );
    await fc.assert(
      fc.asyncProperty(holes, fc.nat(first.length), fc.uint8Array({ maxLength: 5000 }), async (some, length, tail) => {
        const damaged = Buffer.concat([first.subarray(0, length), tail]);
        for (const { at, bytes } of some)
          damaged.set(bytes.slice(0, Math.max(0, damaged.length - at)), Math.min(at, damaged.length));
        const sound = names.filter((_, i) => {
          const [from = 0, to = 0] = [starts[i], starts[i + 1]];
          return damaged.subarray(from, to).equals(first.subarray(from, to));
        });
        const found = await reopened(rig, damaged);
        expect(found.names).toEqual([...sound, LATER]);
        const spool = await rig.open();
        expect(spool.cutBytes).toBe(0);
        await spool.close();
      }),
      { numRuns: 200 },
    );
  });

  it("cuts out a gap of zeros, as a power cut leaves it", async () => {
    await using rig = await DiskRig.create();
    const { first, names } = await twoSegments(rig);
    const found = await reopened(rig, Buffer.concat([first, Buffer.alloc(1_000_000)]));
    expect(found).toEqual({ names: [...names, LATER], cutBytes: 1_000_000 });
  });
});
