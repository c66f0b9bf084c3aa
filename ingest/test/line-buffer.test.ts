import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toBlock } from "../src/line-block.ts";
import { LineBuffer } from "../src/line-buffer.ts";
import { bufferOf } from "./line-blocks.ts";

describe("LineBuffer", () => {
  it("gives back its lines, whose texts may hold line breaks and any characters", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom("a", "\n", "é", "😀", " ") })), (lines) => {
        const buffer = bufferOf(lines);
        expect(buffer.count).toBe(lines.length);
        expect(buffer.lines()).toEqual(lines);
        expect(Buffer.from(buffer.bytes).toString()).toBe(lines.map((line) => `${line}\n`).join(""));
      }),
    );
  });

  it("grows with what it must hold, and is empty again after a clear", () => {
    const buffer = new LineBuffer();
    const lines = Array.from({ length: 40 }, (_, i) => `${i} ${"é".repeat(50_000)}`);
    for (const line of lines) {
      const block = toBlock([line]);
      buffer.append(block, Buffer.byteLength(block.text));
    }
    expect(buffer.lines()).toEqual(lines);
    buffer.clear();
    expect([buffer.count, buffer.bytes.byteLength, buffer.lines()]).toEqual([0, 0, []]);
    buffer.append(toBlock(["a", "b"]), 4);
    expect(buffer.lines()).toEqual(["a", "b"]);
  });
});
