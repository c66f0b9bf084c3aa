import { setImmediate } from "node:timers/promises";
import { throwIfCanceled } from "@edgewatt/onnx";
import type { Int8Weights } from "../int8/weights.ts";
import type { InputMoments, WeightRows } from "./input-moments.ts";
import type { LinearLayer } from "./linear-layer.ts";
import { improveRounding } from "./round-rows.ts";

/** Multiplications after which other work of the process gets its turn. */
const TURN_OPERATIONS = 5e7;

/** The weights of one layer on their way from the nearest integers to chosen ones, row by row. */
export class LayerRounding {
  readonly #nearest: Int8Weights;
  readonly #chosen: Int8Array;
  readonly #layer: LinearLayer;
  readonly #rows: WeightRows;

  constructor(nearest: Int8Weights, layer: LinearLayer, rows: WeightRows) {
    this.#nearest = nearest;
    this.#chosen = nearest.integers.slice();
    this.#layer = layer;
    this.#rows = rows;
  }

  /** Chooses integers that lower the noise over the data of these moments. */
  async improve(moments: InputMoments, signal: AbortSignal | undefined): Promise<void> {
    for await (const row of this.#inTurns(signal)) {
      const exact = this.#row(row, this.#nearest.float).map((weight) => weight / this.#scale(row));
      const rounded = this.#row(row, this.#chosen);
      improveRounding({ exact, rounded }, this.#momentsOf(row, moments));
      for (const [index, integer] of rounded.entries()) this.#chosen[this.#rows.at(row, index)] = integer;
    }
  }

  /** Power of the layer's output over the data of these moments, and that of the noise by the nearest and by the chosen integers. */
  async judge(
    moments: InputMoments,
    signal: AbortSignal | undefined,
  ): Promise<{ power: number; nearest: number; chosen: number }> {
    let [power, nearest, chosen] = [0, 0, 0];
    for await (const row of this.#inTurns(signal)) {
      const scale = this.#scale(row);
      const exact = this.#row(row, this.#nearest.float);
      const ofGroup = this.#momentsOf(row, moments);
      const deviation = (integers: Int8Array): Float64Array =>
        this.#row(row, integers).map((integer, index) => integer * scale - (exact[index] as number));
      power += quadraticForm(exact, ofGroup);
      nearest += quadraticForm(deviation(this.#nearest.integers), ofGroup);
      chosen += quadraticForm(deviation(this.#chosen), ofGroup);
    }
    return { power, nearest, chosen };
  }

  /** The chosen integers times their scale: they quantize to these integers again, by the same scale. */
  chosenWeights(): Float32Array {
    return Float32Array.from(this.#chosen, (integer, index) => integer * this.#scaleOf(this.#layer.outputOf(index)));
  }

  #row(row: number, values: Float32Array | Int8Array): Float64Array {
    const rows = this.#rows;
    return Float64Array.from({ length: rows.size }, (_, index) => values[rows.at(row, index)] as number);
  }

  #scale(row: number): number {
    return this.#scaleOf(this.#layer.outputOf(this.#rows.at(row, 0)));
  }

  #scaleOf(channel: number): number {
    const { scales } = this.#nearest;
    return scales[scales.length === 1 ? 0 : channel] as number;
  }

  #momentsOf(row: number, { size, values }: InputMoments): Float64Array {
    const start = Math.floor(row / this.#rows.rowsPerGroup) * size * size;
    return values.subarray(start, start + size * size);
  }

  async *#inTurns(signal: AbortSignal | undefined): AsyncGenerator<number> {
    const { groups, rowsPerGroup, size } = this.#rows;
    let operations = 0;
    for (let row = 0; row < groups * rowsPerGroup; row++) {
      yield row;
      operations += 4 * size * size;
      if (operations < TURN_OPERATIONS) continue;
      operations = 0;
      await setImmediate();
      throwIfCanceled(signal, `rounding the weights of ${this.#layer.node.name}`);
    }
  }
}

function quadraticForm(vector: Float64Array, matrix: Float64Array): number {
  const size = vector.length;
  let sum = 0;
  for (let row = 0; row < size; row++) {
    const factor = vector[row] as number;
    if (factor === 0) continue;
    let product = 0;
    for (let column = 0; column < size; column++)
      product += (matrix[row * size + column] as number) * (vector[column] as number);
    sum += factor * product;
  }
  return sum;
}
