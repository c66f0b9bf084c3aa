import { describe, expect, it } from "vitest";
import { CoolDown } from "../../src/measure/cool-down.ts";

/** Waits before windows, on a board with these temperatures second by second; gives the seconds that each wait took. */
async function waits(temperatures: readonly (number | undefined)[][], limitS = 10): Promise<number[]> {
  let slept = 0;
  let current: readonly (number | undefined)[] = [];
  const coolDown = new CoolDown({
    limitS,
    toleranceC: 2,
    readC: () => current[Math.min(slept, current.length - 1)],
    sleep: async () => {
      slept += 1;
    },
  });
  const taken: number[] = [];
  for (const series of temperatures) {
    current = series;
    slept = 0;
    await coolDown.wait();
    taken.push(slept);
  }
  return taken;
}

describe("CoolDown", () => {
  it("waits until a window can begin at the temperature of the first", async () => {
    expect(await waits([[45], [46.9], [50, 49, 48, 47, 46]])).toEqual([0, 0, 3]);
  });

  it("gives up in time, and takes what was reached for the new equilibrium", async () => {
    expect(await waits([[45], [60], [61], [65, 62]])).toEqual([0, 10, 0, 1]);
  });

  it("waits for nothing without a sensor or a limit", async () => {
    expect(await waits([[undefined], [undefined]])).toEqual([0, 0]);
    expect(await waits([[45], [60]], 0)).toEqual([0, 0]);
  });
});
