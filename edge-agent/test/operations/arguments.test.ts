import { DecodeError } from "@edgewatt/protocol";
import { describe, expect, it } from "vitest";
import { createBenchmark } from "../../src/operations/benchmark.ts";
import { createQuantize } from "../../src/operations/quantize.ts";
import { createSensitivity } from "../../src/operations/sensitivity.ts";
import type { Workbench } from "../../src/operations/workbench.ts";

/** Nothing is taken from it while arguments are read. */
const bench = {} as Workbench;
const model = { kind: "model", name: "m", url: "http://hub/artifacts/m", sha256: "a".repeat(64), bytes: 1 } as const;
const calibration = { kind: "synthetic" } as const;

describe("a recipe whose parts exclude each other", () => {
  it.each([
    [
      "quantize",
      () => createQuantize(bench).parse({ model, calibration, options: { parity: "ort", techniques: ["rounding"] } }),
      /not valid: options: parity with the reference allows no techniques/,
    ],
    [
      "sensitivity",
      () => createSensitivity(bench).parse({ model, calibration, options: { percentile: 99.9 } }),
      /not valid: options: a percentile goes with/,
    ],
    [
      "benchmark",
      () =>
        createBenchmark(bench).parse({
          entries: [{ model, precision: "int8" }],
          options: { quantize: { target: { sqnrDb: 30 }, method: "mse" } },
        }),
      /not valid: options\.quantize: a search for a target chooses/,
    ],
  ] as const)("is not taken by %s", (_op, parse, message) => {
    expect(parse).toThrow(DecodeError);
    expect(parse).toThrow(message);
  });

  it("is taken where they go together", () => {
    const options = { method: "percentile", percentile: 99.9, techniques: ["rounding"] } as const;
    expect(createQuantize(bench).parse({ model, calibration, options })).toMatchObject({ options });
  });
});
