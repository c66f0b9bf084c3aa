import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseAnswer, rowsOf } from "../src/answer.ts";

const answer = (values: string) =>
  parseAnswer(
    `{"results":[{"series":[{"name":"m","tags":{"device":"a"},"columns":["time","x"],"values":[${values}]}]}]}`,
  );

describe("parseAnswer", () => {
  it("keeps long integers exact, and numbers and text as they are", () => {
    const [tables = []] = answer(
      '[1700000000000000001,9007199254740993],[1,-1e+300],[2,"12345678901234567890 \\" 1"],[3,null]',
    ).results;
    expect(rowsOf(tables).map((row) => [row["time"], row["x"], row["device"]])).toEqual([
      ["1700000000000000001", "9007199254740993", "a"],
      [1, -1e300, "a"],
      [2, '12345678901234567890 " 1', "a"],
      [3, null, "a"],
    ]);
  });

  it("changes no text, whatever it holds", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('"', "\\", ".", "e", "-", " ", "\n", "1234567890123456789") }),
        (text) => {
          const [tables = []] = answer(`[1,${JSON.stringify(text)}]`).results;
          expect(rowsOf(tables)[0]?.["x"]).toBe(text);
        },
      ),
    );
  });

  it("reads every number as it was written", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        const [tables = []] = answer(`[1,${JSON.stringify(number)}],[1,${JSON.stringify(number)}]`).results;
        expect(rowsOf(tables).map((row) => Number(row["x"]))).toEqual([
          number === 0 ? 0 : number,
          number === 0 ? 0 : number,
        ]);
      }),
    );
  });

  it("finds the error of the answer and of a statement", () => {
    expect(parseAnswer('{"error":"a"}').error).toBe("a");
    expect(parseAnswer('{"results":[{},{"error":"b"}]}').error).toBe("b");
  });
});
