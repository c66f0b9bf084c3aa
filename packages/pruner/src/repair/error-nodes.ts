import type { ExtraNodes } from "../activations/extra-nodes.ts";
import type { Passed } from "./error-place.ts";

/** What the pruned model's values lack to be the original's. */
export function plainError(nodes: ExtraNodes, original: string, pruned: string): string {
  return nodes.add("Sub", [original, pruned]);
}

/**
 * The same, but as an activation behind sees it: where the original lies beyond what it hands on, all values there are as good, and only what the pruned model's
 * value is short of the bound counts (He et al. 2017 and Zhang et al., "Accelerating Very Deep Convolutional Networks", 2015, fit to the values behind Relu too).
 */
export function passedError(nodes: ExtraNodes, original: string, pruned: string, { low, high }: Passed): string {
  const beyond = (bound: number, test: string, nearer: string): readonly [string, string] => {
    const limit = nodes.constant([], Float32Array.of(bound));
    return [nodes.add(test, [original, limit]), nodes.add("Sub", [limit, nodes.add(nearer, [pruned, limit])])];
  };
  let error = plainError(nodes, original, pruned);
  if (high < Infinity) error = nodes.add("Where", [...beyond(high, "GreaterOrEqual", "Min"), error]);
  if (low > -Infinity) error = nodes.add("Where", [...beyond(low, "LessOrEqual", "Max"), error]);
  return error;
}
