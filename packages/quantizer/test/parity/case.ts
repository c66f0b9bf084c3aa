import type { DataSource, ModelProto, TensorValue } from "@edgewatt/onnx";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** Values of one input in one sample. All floats are dyadic rationals with few bits, see bench/oracle/README.md. */
type InputValues =
  | { readonly kind: "dyadic"; readonly dims: readonly number[] }
  /** Half +1 and half -1 in each row of the last axis, so that normalizations are exact. */
  | { readonly kind: "signs"; readonly dims: readonly number[] }
  /** One power of two in each row of the last axis, so that products with any weights are exact. */
  | { readonly kind: "one-hot"; readonly dims: readonly number[] }
  | {
      readonly kind: "indices";
      readonly dims: readonly number[];
      readonly below: number;
      readonly type: "int32" | "int64";
    };

/** A model that the reference quantizes, with the samples that calibrate it. */
export interface ParityCase {
  readonly name: string;
  readonly model: ModelProto;
  readonly inputs: Readonly<Record<string, InputValues>>;
  readonly samples: number;
}

/** The feeds of sample `index`: the same on every machine. */
export function feedsOf(parityCase: ParityCase, index: number): Record<string, TensorValue> {
  return Object.fromEntries(
    Object.entries(parityCase.inputs).map(([name, values], position) => {
      const generator = xoroshiro128plus(1000 * (index + 1) + position);
      return [name, valuesOf(values, index, () => uniformFloat64(generator))];
    }),
  );
}

/** The feeds of a case one at a time, in order, as the reference's reader gives them; each has as many rows as the model's fixed batch. */
export function sourceOf(parityCase: ParityCase): DataSource {
  const rows = Object.values(parityCase.inputs)[0]?.dims[0] ?? 1;
  const total = parityCase.samples * rows;
  return {
    kind: "npy",
    name: parityCase.name,
    count: total,
    available: total,
    async *batches({ first = 0, count = total }) {
      for (let row = first; row < first + count; row += rows)
        yield await Promise.resolve({ feeds: feedsOf(parityCase, row / rows), count: rows });
    },
  };
}

function valuesOf(values: InputValues, sample: number, random: () => number): TensorValue {
  const size = values.dims.reduce((product, dim) => product * dim, 1);
  const integer = (below: number): number => Math.floor(below * random());
  if (values.kind === "indices") {
    const indices = Array.from({ length: size }, () => integer(values.below));
    const data = values.type === "int64" ? BigInt64Array.from(indices, BigInt) : Int32Array.from(indices);
    return { type: values.type, dims: values.dims, data };
  }
  const row = values.dims.at(-1) ?? 1;
  const data = new Float32Array(size);
  for (let start = 0; start < size; start += row) {
    const hot = integer(row);
    for (let column = 0; column < row; column++) {
      if (values.kind === "signs") data[start + column] = (column + sample) % 2 === 0 ? 1 : -1;
      else if (values.kind === "one-hot") data[start + column] = column === hot ? 2 ** (integer(4) - 2) : 0;
      // Another amplitude in each sample, so that the mean of the extremes is not their extreme.
      else data[start + column] = (integer(16 + 2 * sample) - 8 - sample) / 8;
    }
  }
  return { type: "float32", dims: values.dims, data };
}
