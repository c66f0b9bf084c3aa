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

test("what a half-width is made of, and what a maximum can show, have columns of their own", () => {
  const [row] = parse<Record<string, string>>(toCsv(study({ source: "ina219" })), { columns: true });
  const [whole, repetition, meter] = ["95 % half-width", "half-width by repetition", "half-width by meter"].map(
    (name) => Number(row?.[`energy gross ${name} (mJ)`]),
  );
  expect(whole).toBeCloseTo(Math.hypot(repetition ?? 0, meter ?? 0), 9);
  expect(row).toMatchObject({ "max power bandwidth (Hz)": "416.4", "max power over 10 ms (W)": "5.91" });
  const [estimate] = parse<Record<string, string>>(toCsv(study()), { columns: true });
  expect(estimate?.["energy gross half-width by meter (mJ)"]).toBe("");
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
