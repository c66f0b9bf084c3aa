import { factorize, solve } from "../linear-algebra/cholesky.ts";

/** What one layer that reads a group loses when some of its inputs go and the weights of all others are fitted anew. */
export interface SurgeonLayer {
  readonly size: number;
  /** G⁻¹, [size][size]: of the second moments of the inputs, with a ridge. Changed as inputs go. */
  readonly inverse: Float64Array;
  /** W Wᵀ, [size][size], of the weights as rows per input. Changed as inputs go. */
  readonly energy: Float64Array;
  /** For each member of the group, the inputs that go with it. */
  readonly inputsOf: readonly (readonly number[])[];
  /** tr(Wᵀ G W), without the ridge: what the layer puts out, which losses are compared with. */
  readonly variance: number;
}

/** Members of a group in the order in which they go. */
export interface Ranking {
  readonly order: readonly number[];
  /** What all layers have lost, each relative to its variance, after none, one, two, … of them have gone. */
  readonly losses: readonly number[];
}

/**
 * Ranks channels, one after the other, each time the one whose loss is least: the optimal brain surgeon (Hassibi and Stork 1993), on
 * whole channels. With W the weights as rows per input and H = G⁻¹, taking out the inputs B costs tr(W_Bᵀ (H_BB)⁻¹ W_B) once all other
 * weights are fitted anew; then W ← W - H_·B (H_BB)⁻¹ W_B and H ← H - H_·B (H_BB)⁻¹ H_B·. Only W Wᵀ is carried along.
 * @param given the order in which they go, where that is decided already and only losses are asked for
 */
export function rankByError(
  layers: readonly SurgeonLayer[],
  members: number,
  removed: number,
  given?: readonly number[],
): Ranking {
  const left = new Set(Array.from({ length: members }, (_, member) => member));
  const order: number[] = [];
  const losses = [0];
  while (order.length < removed) {
    const next = given?.[order.length] ?? leastLoss(layers, left);
    let relative = losses.at(-1) as number;
    for (const layer of layers) {
      if (layer.variance > 0) relative += lossOf(layer, layer.inputsOf[next] ?? []) / layer.variance;
    }
    losses.push(relative);
    left.delete(next);
    order.push(next);
    for (const layer of layers) for (const input of layer.inputsOf[next] ?? []) takeOut(layer, input);
  }
  return { order, losses };
}

function leastLoss(layers: readonly SurgeonLayer[], left: ReadonlySet<number>): number {
  // No loss is a number where weights are not: any of them then.
  let [best = -1] = left;
  let least = Infinity;
  for (const member of left) {
    let loss = 0;
    for (const layer of layers) loss += lossOf(layer, layer.inputsOf[member] ?? []);
    if (loss < least) [best, least] = [member, loss];
  }
  return best;
}

function lossOf({ size, inverse, energy }: SurgeonLayer, inputs: readonly number[]): number {
  const [first] = inputs;
  if (first === undefined) return 0;
  if (inputs.length === 1) return (energy[first * size + first] as number) / (inverse[first * size + first] as number);
  const count = inputs.length;
  const block = new Float64Array(count * count);
  const right = new Float64Array(count * count);
  for (const [row, a] of inputs.entries()) {
    for (const [column, b] of inputs.entries()) {
      block[row * count + column] = inverse[a * size + b] as number;
      right[row * count + column] = energy[a * size + b] as number;
    }
  }
  if (!factorize(block, count)) return Infinity;
  solve(block, count, right, count);
  return inputs.reduce((sum, _, index) => sum + (right[index * count + index] as number), 0);
}

function takeOut({ size, inverse, energy }: SurgeonLayer, input: number): void {
  const own = inverse.slice(input * size, (input + 1) * size);
  const weights = energy.slice(input * size, (input + 1) * size);
  const pivot = own[input] as number;
  const square = weights[input] as number;
  for (let row = 0; row < size; row++) {
    const factor = (own[row] as number) / pivot;
    // What has gone before.
    if (factor === 0 && weights[row] === 0) continue;
    const weight = (weights[row] as number) - factor * square;
    const start = row * size;
    for (let column = 0; column < size; column++) {
      const other = own[column] as number;
      energy[start + column] =
        (energy[start + column] as number) - factor * (weights[column] as number) - (weight * other) / pivot;
      inverse[start + column] = (inverse[start + column] as number) - factor * other;
    }
  }
}
