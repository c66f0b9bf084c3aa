import { writeFile } from "node:fs/promises";
import path from "node:path";
import { tempDir } from "@edgewatt/testing";
import { expect, it } from "vitest";
import { MeterFactStore } from "../../src/measure/meter-facts.ts";

const METER = { source: "ina219", settings: { shuntOhm: 0.1 } };
const LAG = { ms: 0.3, halfWidth95Ms: 0.1, steps: 10 };

it("keeps facts of a meter for a day, and a damaged file costs no more than a new measurement", async () => {
  await using dir = await tempDir();
  const file = path.join(dir.path, "meters.json");
  let nowMs = 1e12;
  const store = new MeterFactStore(file, () => nowMs);
  expect(await store.load(METER)).toEqual({ lag: undefined, observer: undefined });
  await store.save(METER, { lag: { atMs: nowMs, found: LAG } });
  await store.save({ ...METER, source: "ina226" }, {});
  nowMs += 86_399_000;
  expect((await store.load(METER)).lag?.found).toEqual(LAG);
  expect((await store.load({ ...METER, settings: { shuntOhm: 0.02 } })).lag).toBeUndefined();
  nowMs += 2000;
  expect((await store.load(METER)).lag).toBeUndefined();
  await writeFile(file, "{");
  expect(await store.load(METER)).toEqual({ lag: undefined, observer: undefined });
});
