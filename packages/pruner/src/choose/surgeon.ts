import { factorize, solve } from "../linear-algebra/cholesky.ts";

/** What one layer that reads a group loses when some of its inputs go and the weights of all others are fitted anew. */
export interface SurgeonLayer {
  readonly size: number;
  /** Of G⁻¹, where G are the second moments of all its inputs with a ridge, the part that belongs to the group: [size][size]. Changed as inputs go. */
  readonly inverse: Float64Array;
  /** W Wᵀ of the weights of the same inputs as rows, [size][size]. Changed as inputs go. */
  readonly energy: Float64Array;
  /** For each member of the group, the inputs that go with it. */
  readonly inputsOf: readonly (readonly number[])[];
  /** tr(Wᵀ G W) over all inputs, without the ridge: what the layer puts out, which losses are compared with. */
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
 * weights are fitted anew; then W ← W - H_·B (H_BB)⁻¹ W_B and H ← H - H_·B (H_BB)⁻¹ H_B·. Only W Wᵀ is carried along, and of both matrices
 * only what belongs to inputs that may go.
 * @param given the order in which they go, where that is decided already and only losses are asked for
 */
export function rankByError(
  layers: readonly SurgeonLayer[],
  members: number,
  removed: number,
  given?: readonly number[],
): Ranking {
  const operations = layers.map((layer) => new Operation(layer));
  const left = new Set(Array.from({ length: members }, (_, member) => member));
  const order: number[] = [];
  const losses = [0];
  while (order.length < removed) {
    const next = given?.[order.length] ?? leastLoss(operations, left);
    let relative = losses.at(-1) as number;
    for (const operation of operations) {
      if (operation.variance > 0) relative += operation.loss(next) / operation.variance;
    }
    losses.push(relative);
    left.delete(next);
    order.push(next);
    for (const operation of operations) operation.takeOut(next);
  }
  return { order, losses };
}

function leastLoss(operations: readonly Operation[], left: ReadonlySet<number>): number {
  // No loss is a number where weights are not: any of them then.
  let [best = -1] = left;
  let least = Infinity;
  for (const member of left) {
    let loss = 0;
    for (const operation of operations) loss += operation.loss(member);
    if (loss < least) [best, least] = [member, loss];
  }
  return best;
}

/** When so small a share of the rows is left, the others are dropped. */
const WORTH_PACKING = 0.8;

/** A layer while its inputs go. Of its symmetric matrices only the lower triangles are kept up. */
class Operation {
  readonly variance: number;
  readonly #layer: SurgeonLayer;
  /** Rows and columns of the matrices that are in use now. */
  #size: number;
  #gone = 0;
  /** Where each input stands in the matrices; -1 once it is gone. */
  readonly #places: Int32Array;

  constructor(layer: SurgeonLayer) {
    this.#layer = layer;
    this.variance = layer.variance;
    this.#size = layer.size;
    this.#places = Int32Array.from({ length: layer.size }, (_, input) => input);
  }

  loss(member: number): number {
    const { inverse, energy, inputsOf } = this.#layer;
    const inputs = inputsOf[member] ?? [];
    const [first] = inputs;
    if (first === undefined) return 0;
    if (inputs.length === 1) {
      const at = this.#at(first, first);
      return (energy[at] as number) / (inverse[at] as number);
    }
    const count = inputs.length;
    const block = new Float64Array(count * count);
    const right = new Float64Array(count * count);
    for (const [row, a] of inputs.entries()) {
      for (const [column, b] of inputs.entries()) {
        block[row * count + column] = inverse[this.#at(a, b)] as number;
        right[row * count + column] = energy[this.#at(a, b)] as number;
      }
    }
    if (!factorize(block, count)) return Infinity;
    solve(block, count, right, count);
    return inputs.reduce((sum, _, index) => sum + (right[index * count + index] as number), 0);
  }

  takeOut(member: number): void {
    for (const input of this.#layer.inputsOf[member] ?? []) {
      this.#takeOutInput(this.#places[input] as number);
      this.#places[input] = -1;
      this.#gone++;
    }
    if (this.#size - this.#gone < WORTH_PACKING * this.#size) this.#pack();
  }

  #at(a: number, b: number): number {
    const [row, column] = [this.#places[a] as number, this.#places[b] as number];
    return row >= column ? row * this.#size + column : column * this.#size + row;
  }

  #takeOutInput(place: number): void {
    const { inverse, energy } = this.#layer;
    const size = this.#size;
    const [own, weights] = [rowOf(inverse, size, place), rowOf(energy, size, place)];
    const pivot = own[place] as number;
    const square = weights[place] as number;
    for (let row = 0; row < size; row++) {
      const factor = (own[row] as number) / pivot;
      const weight = (weights[row] as number) - factor * square;
      const share = weight / pivot;
      const start = row * size;
      for (let column = 0; column <= row; column++) {
        const other = own[column] as number;
        energy[start + column] =
          (energy[start + column] as number) - factor * (weights[column] as number) - share * other;
        inverse[start + column] = (inverse[start + column] as number) - factor * other;
      }
    }
  }

  /** Moves what is left of the matrices together, in place. */
  #pack(): void {
    const { inverse, energy } = this.#layer;
    const [old, size] = [this.#size, this.#size - this.#gone];
    const inputs = [...this.#places.entries()].filter(([, place]) => place >= 0).sort(([, a], [, b]) => a - b);
    for (const [row, [, from]] of inputs.entries()) {
      for (let column = 0; column <= row; column++) {
        const source = from * old + (inputs[column]?.[1] as number);
        inverse[row * size + column] = inverse[source] as number;
        energy[row * size + column] = energy[source] as number;
      }
    }
    for (const [place, [input]] of inputs.entries()) this.#places[input] = place;
    this.#size = size;
    this.#gone = 0;
  }
}

/** A row of a symmetric matrix of which the lower triangle is kept up. */
function rowOf(matrix: Float64Array, size: number, row: number): Float64Array {
  return Float64Array.from({ length: size }, (_, column) =>
    column <= row ? (matrix[row * size + column] as number) : (matrix[column * size + row] as number),
  );
}
