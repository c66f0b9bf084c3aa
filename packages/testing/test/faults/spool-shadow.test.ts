import { appendFileSync, existsSync, mkdirSync, truncateSync, unlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { eventually, tempDir, type TempDir } from "@edgewatt/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { crc32c } from "../../src/faults/crc32c.ts";
import { SpoolShadow } from "../../src/faults/spool-shadow.ts";
import { batchText } from "./batches.ts";

function record(seq: number): Buffer {
  const payload = Buffer.from(`power\n${batchText(seq)}`);
  const header = Buffer.alloc(8);
  header.writeUInt32LE(payload.byteLength, 0);
  header.writeUInt32LE(crc32c(payload), 4);
  return Buffer.concat([header, payload]);
}

it("crc32c gives the check value of its polynomial", () => {
  // RFC 3720, appendix B.4: 32 bytes of zeros; and the check value of the catalogue of CRCs.
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
});

describe("SpoolShadow", () => {
  let dir: TempDir;
  let spool: string;
  let shadow: SpoolShadow;
  const segment = (number: number) => path.join(spool, `${String(number).padStart(10, "0")}.seg`);
  const numbers = () => shadow.take().map(({ seq }) => seq);

  beforeEach(async () => {
    dir = await tempDir();
    spool = path.join(dir.path, "spool");
    shadow = new SpoolShadow({ device: "pi-1", spool });
  });
  afterEach(async () => {
    shadow[Symbol.dispose]();
    await dir[Symbol.asyncDispose]();
  });

  it("waits for the folder, reads on where it was, and leaves a record that is not whole", () => {
    expect(numbers()).toEqual([]);
    mkdirSync(spool);
    writeFileSync(segment(0), Buffer.concat([record(0), record(1), record(2).subarray(0, 30)]));
    expect(numbers()).toEqual([0, 1]);
    appendFileSync(segment(0), record(2).subarray(30));
    expect(numbers()).toEqual([2]);
    expect(numbers()).toEqual([]);
  });

  it("keeps what the agent removes", async () => {
    mkdirSync(spool);
    writeFileSync(segment(0), record(0));
    await eventually(() => expect(existsSync(path.join(spool, ".shadow", "000000-0000000000.seg"))).toBe(true));
    appendFileSync(segment(0), record(1));
    unlinkSync(segment(0));
    writeFileSync(segment(1), record(2));
    expect(numbers()).toEqual([0, 1, 2]);
  });

  it("follows a repaired end, and passes over one that was not", () => {
    mkdirSync(spool);
    writeFileSync(segment(0), Buffer.concat([record(0), record(1).subarray(0, 40)]));
    expect(numbers()).toEqual([0]);
    truncateSync(segment(0), record(0).byteLength);
    appendFileSync(segment(0), record(2));
    expect(numbers()).toEqual([2]);
    appendFileSync(segment(0), Buffer.concat([record(3).subarray(0, 40), record(4)]));
    expect(numbers()).toEqual([4]);
  });

  it("does not take a damaged record", () => {
    mkdirSync(spool);
    const damaged = record(0);
    damaged[20] = (damaged[20] ?? 0) ^ 1;
    writeFileSync(segment(0), Buffer.concat([damaged, record(1)]));
    expect(numbers()).toEqual([1]);
  });
});
