import { expect, it } from "vitest";
import { TouchedTime } from "../src/touched-time.ts";

it("joins minutes that are near each other, per measurement", () => {
  const touched = new TouchedTime();
  expect(touched.isEmpty).toBe(true);
  for (const timeS of [600, 59, 1200.5, 36_000]) touched.add("power", timeS);
  touched.addAll("system", { fromS: 120, toS: 240 });
  expect(touched.stretches()).toEqual([
    { measurement: "power", stretch: { fromS: 0, toS: 1260 } },
    { measurement: "power", stretch: { fromS: 36_000, toS: 36_060 } },
    { measurement: "system", stretch: { fromS: 120, toS: 240 } },
  ]);
  touched.clear();
  expect(touched.isEmpty).toBe(true);
});
