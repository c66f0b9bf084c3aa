import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { headOfLine, timeOfLine } from "../src/line-head.ts";
import { formatFieldValue, formatSeries, isTagValue } from "../src/line-protocol.ts";
import { readLines } from "../src/line-reader.ts";

async function* parts(text: string, size: number): AsyncGenerator<string> {
  for (let i = 0; i < text.length; i += size) yield text.slice(i, i + size);
}

async function read(text: string, size = 7): Promise<[number, string][]> {
  const lines: [number, string][] = [];
  for await (const { line, number } of readLines(parts(text, size))) lines.push([number, line]);
  return lines;
}

const odd = fc.string({ unit: fc.constantFrom(..."ab ,=\"\\'#\n".split(""), "😀") });

describe("readLines", () => {
  it("numbers lines, and leaves out comments and empty lines", async () => {
    expect(await read('# why "x\n\na x=1 1\r\n  \n# b\nb x=2 2')).toEqual([
      [3, "a x=1 1"],
      [6, "b x=2 2"],
    ]);
  });

  it("keeps a line break in text, and counts its lines", async () => {
    expect(await read('a s="1\n# 2\n\n3",t="\\"\n" 1\nb x=1 2\n')).toEqual([
      [1, 'a s="1\n# 2\n\n3",t="\\"\n" 1'],
      [6, "b x=1 2"],
    ]);
  });

  it("takes a quote in a tag for what it is", async () => {
    expect(await read('a,t=" x=1 1\nb x=1 2')).toEqual([
      [1, 'a,t=" x=1 1'],
      [2, "b x=1 2"],
    ]);
  });

  it("gives the lines below a quote that never ends, when that is certain", async () => {
    const far = Array.from({ length: 40_000 }, (_, i) => `b x=1,longer_names_fill_a_megabyte=${i} ${i}`);
    const lines = await read(`a s="open 1\n${far.join("\n")}\n`, 65_536);
    expect(lines).toHaveLength(40_001);
    expect(lines.at(-1)).toEqual([40_001, far.at(-1)]);
    expect(await read('a s="open 1\nb x=1 2')).toEqual([
      [1, 'a s="open 1'],
      [2, "b x=1 2"],
    ]);
  });

  it("finds each line that the writer wrote, wherever the text is cut", async () => {
    const line = fc.tuple(odd.filter(isTagValue), odd, odd, fc.maxSafeInteger()).map(([tag, first, second, time]) => {
      const fields = `s=${formatFieldValue("string", first)},t=${formatFieldValue("string", second)}`;
      return { text: `${formatSeries("a b", [["device", tag]])} ${fields} ${time}`, tag, time };
    });
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 1 }), fc.integer({ min: 1, max: 50 }), async (lines, size) => {
        const found = await read(lines.map(({ text }) => `${text}\n`).join(""), size);
        expect(found.map(([, text]) => text)).toEqual(lines.map(({ text }) => text));
        for (const { text, tag, time } of lines) {
          const head = headOfLine(text);
          expect([head.measurement, head.tags.get("device"), head.time]).toEqual(["a b", tag, BigInt(time)]);
        }
      }),
    );
  });

  it("takes no digits in text for a timestamp", () => {
    expect(timeOfLine('a s="x 12"')).toBeUndefined();
    expect(timeOfLine("a x=1")).toBeUndefined();
    expect(timeOfLine("a x=1 -12")).toBe(-12n);
    expect(timeOfLine('a s="x" 1700000000000000001')).toBe(1_700_000_000_000_000_001n);
  });
});
