import { setFlagsFromString } from "node:v8";

/**
 * Enough for V8 to compile the sampling loop, drivers and bus included, as one function: a number with fractions that passes a
 * call which is not inlined becomes an object on the heap. Sizes are of bytecode; V8 stops at 920 and 27 by itself.
 */
export function inlineSamplingLoop(): void {
  setFlagsFromString("--max-inlined-bytecode-size-cumulative=4000");
  setFlagsFromString("--max-inlined-bytecode-size-small=120");
}
