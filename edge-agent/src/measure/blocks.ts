import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/**
 * Gives the order within each next block: all of the entries that it holds, once, at random (randomised blocks). The seed repeats the
 * orders of a whole measurement.
 */
export function createBlockOrder(seed: number): (entries: readonly number[]) => number[] {
  const random = xoroshiro128plus(seed);
  return (entries) => {
    const order = [...entries];
    for (let i = order.length - 1; i > 0; i--) {
      const j = uniformInt(random, 0, i);
      [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
    }
    return order;
  };
}
