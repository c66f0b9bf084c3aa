import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { expect, test } from "vitest";
import { toCsv } from "../src/index.ts";
import { study } from "./study.ts";

test("units are in the headers and blanks are empty", () => {
  const [first] = parse<Record<string, string>>(toCsv(study({ source: null })), { columns: true });
  expect(first?.["energy gross (mJ)"]).toBe("");
  expect(first?.["power source"]).toBe("");
  expect(first?.["latency p99 (ms)"]).not.toBe("");
});

test("every text and figure comes back exactly", () => {
  const results = study();
  const [template] = results.rows;
  if (template === undefined) throw new TypeError("the study has rows");
  fc.assert(
    fc.property(
      fc.string({ unit: "binary" }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.array(fc.string()),
      (model, mean, flags) => {
        const row = { ...template, model, flags, latencyMs: { ...template.latencyMs, mean } };
        const [parsed] = parse<Record<string, string>>(toCsv({ ...results, rows: [row] }), { columns: true });
        expect(parsed?.["model"]).toBe(model);
        expect(parsed?.["flags"]).toBe(flags.join("; "));
        expect(Number(parsed?.["latency mean (ms)"])).toBe(mean === 0 ? 0 : mean);
      },
    ),
  );
});
