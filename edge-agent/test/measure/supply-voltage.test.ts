import { describe, expect, it } from "vitest";
import { SupplyVoltage } from "../../src/measure/supply-voltage.ts";

describe("SupplyVoltage", () => {
  it("is the mean of the intervals of a channel that end inside", () => {
    const supply = new SupplyVoltage();
    for (let i = 1; i <= 10_000; i++) supply.add("main", { tUs: i * 1e5, v: i < 5000 ? 5 : 5 + (i % 2) });
    supply.add("other", { tUs: 9e8, v: 12 });
    expect(supply.mean("main", 9e8, 9.1e8)).toBeCloseTo(5.5, 12);
    expect(supply.mean("main", 1e5, 4e5)).toBeNull();
    expect(supply.mean("absent", 0, 1e9)).toBeNull();
  });

  it("is unknown where the meter tells no voltage", () => {
    const supply = new SupplyVoltage();
    supply.add("main", { tUs: 1e5, v: Number.NaN });
    expect(supply.mean("main", 0, 1e6)).toBeNull();
  });
});
