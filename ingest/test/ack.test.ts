import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeMessage } from "@edgewatt/protocol";
import { toAcks, toRanges } from "../src/ack.ts";

describe("toRanges", () => {
  it("covers exactly the numbers, in order and without touching ranges", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(60)), (numbers) => {
        const ranges = toRanges(numbers);
        const covered = ranges.flatMap(([first, last]) =>
          Array.from({ length: last - first + 1 }, (_, i) => first + i),
        );
        expect(covered).toEqual([...new Set(numbers)].sort((a, b) => a - b));
        for (const [i, [first]] of ranges.entries()) {
          if (i > 0) expect(first).toBeGreaterThan((ranges[i - 1]?.[1] ?? 0) + 1);
        }
      }),
    );
  });
});

describe("toAcks", () => {
  it("sends one message per device, stream and boot", () => {
    const acks = toAcks([
      { device: "pi-1", stream: "power", boot: 1, seq: 4 },
      { device: "pi-1", stream: "power", boot: 2, seq: 0 },
      { device: "pi-1", stream: "power", boot: 1, seq: 5 },
      { device: "pi-2", stream: "system", boot: 1, seq: 9 },
    ]);
    expect(acks.map(({ topic, payload }) => [topic, decodeMessage("ack", Buffer.from(payload))])).toEqual([
      ["edgewatt/v1/pi-1/ack/power", { v: 1, boot: 1, ranges: [[4, 5]] }],
      ["edgewatt/v1/pi-1/ack/power", { v: 1, boot: 2, ranges: [[0, 0]] }],
      ["edgewatt/v1/pi-2/ack/system", { v: 1, boot: 1, ranges: [[9, 9]] }],
    ]);
  });
});
