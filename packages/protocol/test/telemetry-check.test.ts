import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { telemetryBatchSchema } from "../src/telemetry.ts";
import { isTelemetryBatch } from "../src/telemetry-check.ts";

const cell = fc.oneof(fc.double(), fc.string({ maxLength: 3 }), fc.boolean(), fc.constant(null));

const channel = fc.integer({ min: 1, max: 5 }).chain((rows) =>
  fc
    .record({
      t0: fc.maxSafeNat(),
      dt: fc
        .uniqueArray(fc.nat(1000), { minLength: rows, maxLength: rows })
        .map((offsets) => offsets.sort((a, b) => a - b)),
      columns: fc.dictionary(
        fc.constantFrom("w", "wMin", "v", "source", "run"),
        fc.oneof(fc.array(cell, { minLength: rows, maxLength: rows }), cell),
      ),
    })
    .map(({ t0, dt, columns }) => Object.assign({ t0, dt }, columns)),
);

const batch = fc.record(
  {
    v: fc.constant(1),
    boot: fc.nat(),
    seq: fc.nat(),
    sync: fc.boolean(),
    job: fc.constantFrom("01K", "a b", undefined),
    ch: fc.dictionary(fc.constantFrom("main", "rails.soc", ""), channel),
    more: fc.anything(),
  },
  { requiredKeys: ["v", "boot", "seq", "sync", "ch"] },
);

const strange = fc.oneof(
  fc.constantFrom<unknown>(
    undefined,
    null,
    -1,
    0.5,
    2 ** 53,
    -0,
    Number.POSITIVE_INFINITY,
    Number.NaN,
    "",
    "x".repeat(201),
    true,
    [],
    {},
    [[]],
    [1],
  ),
  fc.anything(),
);

/** A copy of a batch in which the value at the end of a path is another one; each step picks one of the keys there are. */
function replaceAt(good: object, path: readonly number[], value: unknown): unknown {
  const root: unknown[] = [structuredClone(good)];
  let [at, key]: [Record<string, unknown>, string] = [root as unknown as Record<string, unknown>, "0"];
  for (const step of path) {
    const next = at[key];
    if (typeof next !== "object" || next === null) break;
    const keys = Object.keys(next);
    if (keys.length === 0) break;
    [at, key] = [next as Record<string, unknown>, keys[step % keys.length] ?? ""];
  }
  at[key] = value;
  return root[0];
}

describe("isTelemetryBatch", () => {
  it("takes what the schema takes", () => {
    let taken = 0;
    fc.assert(
      fc.property(batch, (good) => {
        const byCheck = isTelemetryBatch(good);
        if (byCheck) taken += 1;
        expect(byCheck).toBe(telemetryBatchSchema.safeParse(good).success);
        if (byCheck) expect(telemetryBatchSchema.parse(good)).toEqual(good);
      }),
      { numRuns: 500 },
    );
    expect(taken).toBeGreaterThan(20);
  });

  it("refuses what the schema refuses, wherever it stands", () => {
    fc.assert(
      fc.property(batch, fc.array(fc.nat(20), { maxLength: 4 }), strange, (good, path, value) => {
        const damaged = replaceAt(good, path, value);
        expect(isTelemetryBatch(damaged)).toBe(telemetryBatchSchema.safeParse(damaged).success);
      }),
      { numRuns: 5000 },
    );
  });

  it("leaves a key that the schema drops to the schema", () => {
    const text =
      '{"v":1,"boot":0,"seq":0,"sync":true,"ch":{"__proto__":{"t0":0,"dt":[0]},"a":{"t0":0,"dt":[0],"__proto__":1}}}';
    expect(isTelemetryBatch(JSON.parse(text))).toBe(false);
    expect(telemetryBatchSchema.parse(JSON.parse(text))).toMatchObject({ ch: { a: { t0: 0, dt: [0] } } });
  });
});
