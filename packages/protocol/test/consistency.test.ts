import { expect, it } from "vitest";
import { inconsistencies } from "../src/consistency.ts";
import type { ResultRow } from "../src/results.ts";

type Figures = Partial<Pick<ResultRow, "idlePowerW" | "meanPowerW" | "maxPowerW" | "imageMs">> & {
  gross?: number | null;
};

function faultsOf({ gross = 20, ...figures }: Figures): string[] {
  const energyMj = { gross, grossHalfWidth95: null, net: null, netHalfWidth95: null };
  const fits = { idlePowerW: 2, meanPowerW: 4, maxPowerW: 5, imageMs: 5 };
  return inconsistencies({ ...fits, ...figures, energyMj } as ResultRow);
}

it("finds nothing where power, time and energy fit within 0.5 %, or are not known", () => {
  expect(faultsOf({})).toEqual([]);
  expect(faultsOf({ idlePowerW: 4.019, maxPowerW: 3.981, gross: 20.09 })).toEqual([]);
  expect(faultsOf({ idlePowerW: null, meanPowerW: null, maxPowerW: null, imageMs: null, gross: null })).toEqual([]);
});

it("names each figure that does not fit", () => {
  expect(faultsOf({ idlePowerW: 4.03 })).toEqual(["idle power 4.030 W is above mean power 4.000 W"]);
  expect(faultsOf({ maxPowerW: 3.9 })).toEqual(["mean power 4.000 W is above max power 3.900 W"]);
  expect(faultsOf({ gross: 21 })).toEqual(["gross energy ÷ time is 4.200 W, but mean power is 4.000 W"]);
});
