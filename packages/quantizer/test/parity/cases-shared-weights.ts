import { ModelBuilder } from "../../../onnx/test/build-model.ts";
import type { ParityCase } from "./case.ts";

const SAMPLES = 6;
const IMAGE = { kind: "dyadic", dims: [1, 4, 4, 4] } as const;
const CONV = { kernel_shape: [1n, 1n] };

/** A weight that an elementwise operator reads first, so that it has the activations' type, with a bias that int32 could not hold. */
export function elementwiseWeight(): ParityCase {
  const b = new ModelBuilder({ seed: 36 });
  const x = b.input("x", [1, 4, 4, 4]);
  const weight = b.constant(
    [4, 4, 1, 1],
    Float32Array.from({ length: 16 }, (_, index) => index * 2 ** -31),
  );
  b.output(b.node("Mul", [b.dyadic([1, 1, 4, 4], -1, 1, 0.125), weight]), [4, 4, 4, 4]);
  b.output(b.node("Conv", [x, weight, b.dyadic([4], 2, 5, 0.125)], CONV), [1, 4, 4, 4]);
  return { name: "elementwise-weight", model: b.build(), inputs: { x: IMAGE }, samples: SAMPLES };
}

/** A weight that is read by index too: what takes over its parameters has a scale for each channel, and so has a bias behind it. */
export function carriedScales(): ParityCase {
  const { b, x, rows } = indexedWeight(31);
  const product = b.node("Conv", [rows, b.dyadic([4, 4, 1, 1], -1, 1, 0.125), b.dyadic([4], -1, 1, 0.125)], CONV);
  b.output(product, [4, 4, 1, 1]);
  return { name: "carried-scales", model: b.build(), inputs: { [x]: IMAGE }, samples: SAMPLES };
}

/** The same with more outputs than there are scales: per channel the reference fails on the bias. */
export function unfitScales(): ParityCase {
  const { b, x, rows } = indexedWeight(32);
  const product = b.node("Conv", [rows, b.dyadic([6, 4, 1, 1], -1, 1, 0.125), b.dyadic([6], -1, 1, 0.125)], CONV);
  b.output(product, [4, 6, 1, 1]);
  return { name: "unfit-scales", model: b.build(), inputs: { [x]: IMAGE }, samples: SAMPLES };
}

/** A Relu of a quantized constant, for which there is no range: the reference fails. */
export function constantActivation(): ParityCase {
  const { b, x, weight } = indexedWeight(33);
  b.output(b.relu(weight), [4, 4, 1, 1]);
  return { name: "constant-activation", model: b.build(), inputs: { [x]: IMAGE }, samples: SAMPLES };
}

/** A convolution of the input, and the rows of its weight. */
function indexedWeight(seed: number) {
  const b = new ModelBuilder({ seed });
  const x = b.input("x", [1, 4, 4, 4]);
  const weight = b.dyadic([4, 4, 1, 1], -1, 1, 0.125);
  b.output(b.node("Conv", [x, weight], CONV), [1, 4, 4, 4]);
  const rows = b.node("Gather", [weight, b.constant([4], BigInt64Array.of(3n, 2n, 1n, 0n))], { axis: 0n });
  return { b, x, weight, rows };
}
