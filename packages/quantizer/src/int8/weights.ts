import { dimsOf, elementCount, readFloats, type Graph, type NodeProto, type TensorProto } from "@edgewatt/onnx";
import { guardBias, quantizeWeights, weightRange, weightScales } from "./arithmetic.ts";
import type { EmitOptions } from "./emit-options.ts";
import { QuantizerError } from "../errors.ts";
import type { Plan } from "./plan.ts";

/** Constant weights of a node as the int8 model will have them: real = scales[channel] * integers. */
export interface Int8Weights {
  /** Name of the float initializer, which other nodes may share. */
  readonly name: string;
  readonly dims: readonly number[];
  /** The axis with one scale per index; undefined where one scale holds for the whole tensor. */
  readonly axis: number | undefined;
  readonly float: Float32Array;
  readonly scales: Float32Array;
  /** Rounded to nearest, or what `EmitOptions.weights` says. */
  readonly integers: Int8Array;
  /** One value per output channel; undefined for a node without bias. */
  readonly bias: Float32Array | undefined;
  /** Whether scales and integers are those that every node with this weight and axis would get. */
  readonly shareable: boolean;
}

/**
 * The int8 weights that `emitModel` will write for a planned node with constant weights, for methods that improve on them. The scales
 * depend on the bias where its int32 form would not fit otherwise, so ask again after changing a bias.
 * @throws QuantizerError for weights that are not finite, and for an override of the wrong size
 */
export function int8Weights(graph: Graph, plan: Plan, node: NodeProto, options: EmitOptions): Int8Weights {
  const use = plan.weights.get(node);
  const tensor = graph.constant(node.input[1] ?? "");
  if (use === undefined || tensor === undefined) {
    throw new QuantizerError(
      `node "${node.name}" has no constant weights that are quantized: ask for one of the plan`,
      {
        code: "no-weights",
        context: { node: node.name },
      },
    );
  }
  const dims = dimsOf(tensor);
  const axis = options.perChannel ? use.axis : undefined;
  const layout = axis === undefined ? undefined : { axis, dims };
  const float = readFloats(tensor);
  const plain = weightScales(float, layout, weightRange(options.reducedRange));
  checkFinite(plain, tensor.name);
  const bias = biasOf(graph, node, use.axis === undefined ? undefined : dims[use.axis], options);
  const inputScale = plan.tensors.get(node.input[0] ?? "")?.scale ?? 1;
  const scales = bias === undefined ? plain : guardBias(plain, inputScale, bias);
  const given = options.weights?.get(node.name);
  if (given !== undefined) checkOverride(given, float.length, node);
  const integers = given ?? quantizeWeights(float, layout, scales);
  const shareable = scales === plain && given === undefined;
  return { name: tensor.name, dims, axis, float, scales, integers, bias, shareable };
}

/** Values of a constant that are to be quantized; throws QuantizerError where one is NaN or infinite. */
export function finiteFloats(tensor: TensorProto): Float32Array {
  const values = readFloats(tensor);
  checkFinite(values, tensor.name);
  return values;
}

/** A bias of one value (Gemm broadcasts it) becomes one per output channel. */
function biasOf(
  graph: Graph,
  node: NodeProto,
  channels: number | undefined,
  options: EmitOptions,
): Float32Array | undefined {
  const given = options.biases?.get(node.name);
  const tensor = graph.constant(node.input[2] ?? "");
  if (given !== undefined) {
    if (given.length !== channels || node.opType === "MatMul") {
      throw new QuantizerError(
        `the bias given for node "${node.name}" has ${given.length} values: give ${channels ?? 0}`,
        {
          code: "bias-size",
          context: { node: node.name, given: given.length, expected: channels },
        },
      );
    }
    checkFinite(given, `the bias given for ${node.name}`);
    return given;
  }
  if (tensor === undefined) return undefined;
  const values = finiteFloats(tensor);
  return elementCount(dimsOf(tensor)) === 1 && channels !== undefined
    ? new Float32Array(channels).fill(values[0] as number)
    : values;
}

function checkFinite(values: Float32Array, name: string): void {
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return;
  throw new QuantizerError(
    `tensor "${name}" holds NaN or infinity, which has no int8 form: export the model again from a sound checkpoint`,
    { code: "weights-not-finite", context: { tensor: name } },
  );
}

function checkOverride(given: Int8Array, expected: number, node: NodeProto): void {
  if (given.length === expected) return;
  throw new QuantizerError(
    `the weights given for node "${node.name}" have ${given.length} values: give ${expected}, in the order of the float tensor`,
    { code: "weights-size", context: { node: node.name, given: given.length, expected } },
  );
}
