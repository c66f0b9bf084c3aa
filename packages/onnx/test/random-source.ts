import type { DataSource, ValueDescription } from "@edgewatt/onnx";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** Seeded uniform values in [-1, 1) for any inputs, where images would not fit the model. */
export function randomSource(inputs: readonly Pick<ValueDescription, "name" | "shape">[], count = 16): DataSource {
  return {
    kind: "npy",
    name: "random values",
    count,
    available: 2 * count,
    async *batches({ batchSize, first = 0, count: wanted = count }) {
      for (let start = first; start < first + wanted; start += batchSize) {
        const size = Math.min(batchSize, first + wanted - start);
        const feeds = inputs.map(({ name, shape }) => {
          const sides = shape.slice(1).map(Number);
          const sample = sides.reduce((product, side) => product * side, 1);
          const data = new Float32Array(size * sample);
          for (let index = 0; index < size; index++) {
            const generator = xoroshiro128plus(start + index);
            for (let value = 0; value < sample; value++)
              data[index * sample + value] = uniformFloat64(generator) * 2 - 1;
          }
          return [name, { type: "float32" as const, dims: [size, ...sides], data }] as const;
        });
        yield await Promise.resolve({ feeds: Object.fromEntries(feeds), count: size });
      }
    },
  };
}
